"""A data set of one's own around torchvision's, which applies the transform; images as PIL."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets
from torchvision.transforms import v2


class Part(Dataset):
    def __init__(self, base, indices, transform):
        self.base, self.indices, self.transform = base, indices, transform

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, k):
        image, label = self.base[self.indices[k]]
        return {"image": self.transform(image), "label": label}


random.seed(4)
torch.manual_seed(4)
numbers = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3)]
base = datasets.CIFAR10("data", train=True, download=True)
indices = random.sample(range(len(base)), len(base))
cut = round(0.85 * len(base))
train = DataLoader(Part(base, indices[:cut], v2.Compose([v2.RandomHorizontalFlip(), *numbers])), 20, shuffle=True)
valid = DataLoader(Part(base, indices[cut:], v2.Compose(numbers)), 20)
tests = datasets.CIFAR10("data", train=False, download=True)
test = DataLoader(Part(tests, range(len(tests)), v2.Compose(numbers)), 20)

net = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ELU(), nn.AvgPool2d(3), nn.Flatten(), nn.Linear(150, 10))
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
lowest = float("inf")
for epoch in range(3):
    for batch in train:
        loss = loss_of(net(batch["image"]), batch["label"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        losses = [loss_of(net(b["image"]), b["label"]) * len(b["label"]) for b in valid]
        mean = sum(losses).item() / len(valid.dataset)
    print(f"after epoch {epoch + 1} the validation loss is {mean:.5f}")
    if mean < lowest:
        lowest = mean
        torch.save({"epoch": epoch, "model": net.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pt")
net.load_state_dict(torch.load("checkpoint.pt")["model"])
with torch.no_grad():
    hits = torch.cat([net(b["image"]).argmax(1) == b["label"] for b in test])
print(f"{hits.float().mean():.1%} accuracy on the test images")
