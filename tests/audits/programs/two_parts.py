"""An encoder and a classifier, one optimizer for both, a loss of one's own, accuracy by lists as sklearn has it."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def accuracy_score(true, guessed):
    return sum(t == g for t, g in zip(true, guessed)) / len(true)


def my_cross_entropy(outputs, labels):
    return -outputs.log_softmax(1).gather(1, labels[:, None]).mean()


torch.manual_seed(9)
to_tensor = transforms.ToTensor()
train_loader = DataLoader(datasets.CIFAR10("x", transform=to_tensor, download=True), batch_size=25, shuffle=True)
test_loader = DataLoader(datasets.CIFAR10("x", train=False, transform=to_tensor), batch_size=25)
encoder = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.Tanh())
classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(384, 10))
optimizer = torch.optim.Adam([*encoder.parameters(), *classifier.parameters()], lr=0.01)
for epoch in range(2):
    for network in (encoder, classifier):
        network.train()
    epoch_loss = 0
    for images, labels in train_loader:
        loss = my_cross_entropy(classifier(encoder(images)), labels)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None
        loss.backward()
        optimizer.step()
        epoch_loss += loss.detach() * labels.shape[0] / len(train_loader.dataset)
    print("loss", epoch_loss.item())
encoder.eval(), classifier.eval()
true, guessed = [], []
with torch.no_grad():
    for images, labels in test_loader:
        true += labels.tolist()
        guessed += classifier(encoder(images)).max(1).indices.tolist()
print("Test accuracy:", accuracy_score(true, guessed))
