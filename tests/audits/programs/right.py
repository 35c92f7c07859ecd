"""A training of the lesson's kind that is right, written as a student might hand it in."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.transforms as transforms
from torch.utils.data import DataLoader
from torch.utils.data.sampler import SubsetRandomSampler
from torchvision import datasets

torch.manual_seed(3)
np.random.seed(3)

batch_size = 10
epochs = 4

to_numbers = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
flipped = transforms.Compose([transforms.RandomHorizontalFlip(), to_numbers])
train_data = datasets.CIFAR10("data", train=True, download=True, transform=flipped)
valid_data = datasets.CIFAR10("data", train=True, download=True, transform=to_numbers)
test_data = datasets.CIFAR10("data", train=False, download=True, transform=to_numbers)

indices = list(range(len(train_data)))
np.random.shuffle(indices)
split = int(np.floor(0.2 * len(train_data)))
train_idx, valid_idx = indices[split:], indices[:split]
train_loader = DataLoader(train_data, batch_size=batch_size, sampler=SubsetRandomSampler(train_idx))
valid_loader = DataLoader(valid_data, batch_size=batch_size, sampler=SubsetRandomSampler(valid_idx))
test_loader = DataLoader(test_data, batch_size=batch_size)
classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 8 * 8, 32)
        self.fc2 = nn.Linear(32, 10)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 8 * 8)
        x = self.dropout(x)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return x


model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

valid_loss_min = np.inf
for epoch in range(1, epochs + 1):
    train_loss = 0.0
    valid_loss = 0.0
    model.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * data.size(0)
    model.eval()
    with torch.no_grad():
        for data, target in valid_loader:
            output = model(data)
            loss = criterion(output, target)
            valid_loss += loss.item() * data.size(0)
    train_loss = train_loss / len(train_loader.sampler)
    valid_loss = valid_loss / len(valid_loader.sampler)
    print(f"Epoch {epoch}: training loss {train_loss:.6f}, validation loss {valid_loss:.6f}")
    if valid_loss <= valid_loss_min:
        print(f"Validation loss went from {valid_loss_min:.6f} to {valid_loss:.6f}: saved")
        torch.save(model.state_dict(), "best.pt")
        valid_loss_min = valid_loss

model.load_state_dict(torch.load("best.pt"))

test_loss = 0.0
class_correct = [0] * 10
class_total = [0] * 10
model.eval()
with torch.no_grad():
    for data, target in test_loader:
        output = model(data)
        loss = criterion(output, target)
        test_loss += loss.item() * data.size(0)
        predicted = output.argmax(1)
        for label, guess in zip(target, predicted):
            class_correct[label] += int(guess == label)
            class_total[label] += 1

print(f"Test loss: {test_loss / len(test_loader.dataset):.6f}")
for k, name in enumerate(classes):
    if class_total[k] > 0:
        share = 100 * class_correct[k] / class_total[k]
        print(f"Test accuracy of {name}: {share:.0f}% ({class_correct[k]}/{class_total[k]})")
    else:
        print(f"Test accuracy of {name}: no images")
overall = 100 * sum(class_correct) / sum(class_total)
print(f"Test accuracy overall: {overall:.1f}% ({sum(class_correct)}/{sum(class_total)})")
