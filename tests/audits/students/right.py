"""A student's solution that is right, as it might be handed in."""

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.fc1 = nn.Linear(64 * 4 * 4, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x):
        for conv in [self.conv1, self.conv2, self.conv3]:
            x = torch.max_pool2d(torch.relu(conv(x)), 2)
        x = x.view(-1, 64 * 4 * 4)
        x = torch.dropout(x, 0.25, self.training)
        x = torch.relu(self.fc1(x))
        x = torch.dropout(x, 0.25, self.training)
        return self.fc2(x)


def split_indices(n, valid_fraction, seed):
    indices = np.arange(n).tolist()
    np.random.RandomState(seed).shuffle(indices)
    cut = int(np.floor(valid_fraction * n))
    return indices[cut:], indices[:cut]


def train_epoch(network, batches, optimizer):
    criterion = nn.CrossEntropyLoss()
    network.train()
    total, count = 0.0, 0
    for images, labels in batches:
        optimizer.zero_grad()
        loss = criterion(network(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count


def evaluate(network, batches):
    criterion = nn.CrossEntropyLoss()
    network.eval()
    total, correct, seen = 0.0, [0] * 10, [0] * 10
    with torch.no_grad():
        for images, labels in batches:
            output = network(images)
            total += criterion(output, labels).item() * len(labels)
            for label, predicted in zip(labels.tolist(), output.argmax(1).tolist()):
                correct[label] += int(label == predicted)
                seen[label] += 1
    return total / sum(seen), correct, seen
