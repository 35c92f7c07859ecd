"""A class that trains, batch normalisation, the best weights by accuracy kept in memory as a copy."""

import copy

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Subset
from torchvision import datasets
from torchvision import transforms as T


class Block(nn.Module):
    def __init__(self, into, out):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(into, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
        )

    def forward(self, x):
        return self.layers(x)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(Block(3, 8), nn.MaxPool2d(4), Block(8, 16), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


class Trainer:
    def __init__(self, network, loaders):
        self.network, self.loaders = network, loaders
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
        self.best = (-1.0, None)

    def epoch(self):
        self.network.train()
        for images, labels in self.loaders["train"]:
            self.optimizer.zero_grad()
            self.criterion(self.network(images), labels).backward()
            self.optimizer.step()

    def accuracy(self, part):
        self.network.eval()
        right = count = 0
        with torch.inference_mode():
            for images, labels in self.loaders[part]:
                right += int((self.network(images).argmax(1) == labels).sum())
                count += labels.numel()
        return 100.0 * right / count

    def fit(self, epochs):
        for number in range(epochs):
            self.epoch()
            accuracy = self.accuracy("valid")
            print("epoch", number + 1, "validation accuracy", round(accuracy, 2))
            if accuracy > self.best[0]:
                self.best = (accuracy, copy.deepcopy(self.network.state_dict()))
        self.network.load_state_dict(self.best[1])


torch.manual_seed(1)
normalise = T.Compose([T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261))])
augment = T.Compose([T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(), normalise])
augmented = datasets.CIFAR10("./data", True, augment, download=True)
plain = datasets.CIFAR10("./data", True, normalise, download=True)
order = torch.randperm(len(plain)).tolist()
cut = len(order) * 9 // 10
loaders = {
    "train": DataLoader(Subset(augmented, order[:cut]), batch_size=16, shuffle=True),
    "valid": DataLoader(Subset(plain, order[cut:]), batch_size=64),
    "test": DataLoader(datasets.CIFAR10("./data", False, normalise), batch_size=64),
}
trainer = Trainer(Network(), loaders)
trainer.fit(3)
print("test accuracy", round(trainer.accuracy("test"), 2), "%")
