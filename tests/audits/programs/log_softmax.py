"""log_softmax with NLLLoss, evaluation by train(False), a sampler over indices, batch means averaged."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3 * 32 * 32, 32)
        self.fc2 = nn.Linear(32, 10)
        self.drop = nn.Dropout(p=0.2)

    def forward(self, x):
        x = self.drop(torch.relu(self.fc1(x.view(x.shape[0], -1))))
        return F.log_softmax(self.fc2(x), dim=1)


np.random.seed(0)
torch.manual_seed(0)
data = datasets.CIFAR10("data", transform=transforms.ToTensor(), download=True)
test = datasets.CIFAR10("data", train=False, transform=transforms.ToTensor(), download=True)
order = np.random.permutation(len(data))
n_valid = int(0.2 * len(data))
trainloader = DataLoader(data, batch_size=16, sampler=SubsetRandomSampler(order[n_valid:]))
validloader = DataLoader(data, batch_size=16, sampler=SubsetRandomSampler(order[:n_valid]))
testloader = DataLoader(test, batch_size=16)
model, criterion = Classifier(), nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for e in range(3):
    model.train(True)
    running = 0
    for images, labels in trainloader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.train(False)
    valid, accuracy = 0, 0
    with torch.no_grad():
        for images, labels in validloader:
            log_ps = model(images)
            valid += criterion(log_ps, labels).item()
            top_p, top_class = torch.exp(log_ps).topk(1, dim=1)
            equals = top_class == labels.view(*top_class.shape)
            accuracy += torch.mean(equals.type(torch.FloatTensor)).item()
    print(
        f"Epoch: {e + 1}/3.. ",
        f"Training Loss: {running / len(trainloader):.3f}.. ",
        f"Validation Loss: {valid / len(validloader):.3f}.. ",
        f"Validation Accuracy: {accuracy / len(validloader):.3f}",
    )
model.train(False)
right = sum((model(x).argmax(1) == y).sum().item() for x, y in testloader)
print(f"Test accuracy: {100 * right / len(test):.2f}%")
