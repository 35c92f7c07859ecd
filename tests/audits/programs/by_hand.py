"""No DataLoader: all images in one tensor, batches by indices."""

import torch
import torch.nn.functional as F
from torchvision.datasets import CIFAR10

torch.manual_seed(2)
train, test = CIFAR10("data", train=True, download=True), CIFAR10("data", train=False, download=True)


def numbers(data):
    return torch.tensor(data.data).permute(0, 3, 1, 2).float() / 127.5 - 1, torch.tensor(data.targets)


(x, y), (x_test, y_test) = numbers(train), numbers(test)
order = torch.randperm(len(x))
held_out, kept = order[: len(x) // 5], order[len(x) // 5 :]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 4, stride=4)
        self.out = torch.nn.Linear(8 * 64, 10)

    def forward(self, images):
        hidden = F.dropout(F.relu(self.conv(images)).flatten(1), 0.2, self.training)
        return self.out(hidden)


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
for epoch in range(3):
    net.train()
    total = 0.0
    for batch in kept[torch.randperm(len(kept))].split(16):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    net.eval()
    with torch.no_grad():
        valid = F.cross_entropy(net(x[held_out]), y[held_out]).item()
    print(f"epoch {epoch}: training loss {total / len(kept):.4f}, validation loss {valid:.4f}")
net.eval()
with torch.no_grad():
    share = (net(x_test).argmax(1) == y_test).float().mean().item()
print(f"test accuracy {100 * share:.2f} %")
