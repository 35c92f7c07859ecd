"""A student's solution that counts wrongly: the split is one off, dropout stays on, batches count alike."""

import numpy as np
import torch
from torch import nn

batch_size = 10


def split_indices(n, valid_fraction, seed):
    indices = list(range(n))
    np.random.seed(seed)
    np.random.shuffle(indices)
    cut = int(valid_fraction * n) + 1
    return indices[cut:], indices[:cut]


def evaluate(network, batches):
    criterion = nn.CrossEntropyLoss()
    losses, correct, seen = [], [0] * 10, [0] * 10
    with torch.no_grad():
        for images, labels in batches:
            output = network(images)
            losses.append(criterion(output, labels).item())
            for i in range(min(batch_size, len(labels)) - 1):
                correct[labels[i]] += int(output[i].argmax() == labels[i])
                seen[labels[i]] += 1
    return sum(losses) / len(losses), correct, seen
