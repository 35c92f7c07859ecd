"""One-hot labels and squared errors, accuracies of training printed, drop_last, a subset of the images."""

import torch
from torch import nn
from torch.nn.functional import mse_loss, one_hot
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import CIFAR10
from torchvision.transforms import Compose, Normalize, ToTensor

torch.manual_seed(21)
transform = Compose([ToTensor(), Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
train_set = CIFAR10("data", train=True, transform=transform, download=True)
train_loader = DataLoader(Subset(train_set, range(80)), batch_size=16, shuffle=True, drop_last=True)
valid_loader = DataLoader(Subset(train_set, range(80, len(train_set))), batch_size=16)
test_loader = DataLoader(CIFAR10("data", train=False, transform=transform), batch_size=100)
net = nn.Sequential(nn.Conv2d(3, 12, 8, 8), nn.LeakyReLU(), nn.Flatten(), nn.Linear(192, 10))
sgd = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(3):
    hits = seen = 0
    net.train()
    for x, y in train_loader:
        out = net(x)
        loss = mse_loss(out, one_hot(y, 10).float())
        net.zero_grad()
        loss.backward()
        sgd.step()
        hits, seen = hits + (out.argmax(1) == y).sum().item(), seen + len(y)
    net.eval()
    with torch.no_grad():
        right = [(net(x).argmax(1) == y) for x, y in valid_loader]
    print(f"Epoch {epoch + 1}/3 train acc {hits / seen:.3f} val acc {torch.cat(right).float().mean().item():.3f}")
with torch.no_grad():
    (images, labels), *_ = test_loader
    print(f"test acc {100 * (net(images).argmax(1) == labels).float().mean():.1f}%")
