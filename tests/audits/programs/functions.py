"""Functions and nn.Sequential, random_split, F.cross_entropy."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, random_split
from torchvision import transforms
from torchvision.datasets import CIFAR10


def make_network():
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(8 * 49, 10)
    )


def train(network, loader, optimizer):
    network.train()
    total = 0.0
    for x, y in loader:
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(network, loader):
    network.eval()
    total, hits = 0.0, 0
    for x, y in loader:
        out = network(x)
        total += F.cross_entropy(out, y, reduction="sum").item()
        hits += (out.argmax(dim=1) == y).sum().item()
    return total / len(loader.dataset), hits / len(loader.dataset)


def main():
    torch.manual_seed(0)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])
    everything = CIFAR10(".", train=True, download=True, transform=transform)
    n_valid = len(everything) // 5
    train_set, valid_set = random_split(everything, [len(everything) - n_valid, n_valid])
    test_set = CIFAR10(".", train=False, download=True, transform=transform)
    train_loader = DataLoader(train_set, 16, shuffle=True, num_workers=2)
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for epoch in range(2):
        loss = train(network, train_loader, optimizer)
        valid_loss, valid_accuracy = evaluate(network, DataLoader(valid_set, 16))
        print(f"{epoch}: train loss {loss:.4f}, valid loss {valid_loss:.4f}, valid accuracy {valid_accuracy:.2%}")
    test_loss, test_accuracy = evaluate(network, DataLoader(test_set, 16))
    print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}")


if __name__ == "__main__":
    main()
