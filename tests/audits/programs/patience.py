"""Early stopping with patience, a residual network, lists of losses averaged, fixed sizes of the split."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + torch.relu(self.norm(self.a(x)))


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.waited, self.best = patience, 0, None

    def __call__(self, loss, model):
        if self.best is None or loss < self.best:
            self.best, self.waited = loss, 0
            torch.save(model.state_dict(), "checkpoint.pt")
        else:
            self.waited += 1
        return self.waited >= self.patience


torch.manual_seed(11)
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))])
train, valid = random_split(datasets.CIFAR10("d", True, transform, download=True), [40000, 10000])
test = datasets.CIFAR10("d", False, transform, download=True)
train_dl, valid_dl, test_dl = DataLoader(train, 20, shuffle=True), DataLoader(valid, 50), DataLoader(test, 50)
model = nn.Sequential(
    nn.Conv2d(3, 8, 4, stride=4), Residual(8), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(32, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
criterion = nn.CrossEntropyLoss()
stopper = EarlyStopping(patience=2)
for epoch in range(1, 6):
    train_losses, valid_losses = [], []
    model.train()
    for x, y in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        train_losses.append(loss.item())
    model.eval()
    for x, y in valid_dl:
        with torch.no_grad():
            valid_losses.append(criterion(model(x), y).item())
    mean = sum(valid_losses) / len(valid_losses)
    print(f"[{epoch}/5] train_loss: {sum(train_losses) / len(train_losses):.5f} valid_loss: {mean:.5f}")
    if stopper(mean, model):
        print("Early stopping")
        break
model.load_state_dict(torch.load("checkpoint.pt", weights_only=True))
model.eval()
correct = 0
with torch.no_grad():
    for x, y in test_dl:
        correct += (model(x).argmax(1) == y).sum().item()
print(f"Test accuracy: {correct}/{len(test)} ({100.0 * correct / len(test):.0f}%)")
