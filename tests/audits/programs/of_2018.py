"""As it was written in 2018, for a GPU: Variable, volatile, loss.data[0], dataiter.next(), np.Inf, fixed sizes."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable
from torch.utils.data.sampler import SubsetRandomSampler
from torchvision import datasets, transforms

torch.manual_seed(0)
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
train_set = datasets.CIFAR10("~/data", train=True, download=True, transform=transform)
test_set = datasets.CIFAR10("~/data", train=False, download=True, transform=transform)
train_loader = torch.utils.data.DataLoader(
    train_set, batch_size=16, sampler=SubsetRandomSampler(range(45000)), num_workers=4
)
valid_loader = torch.utils.data.DataLoader(train_set, batch_size=16, sampler=SubsetRandomSampler(range(45000, 50000)))
test_loader = torch.utils.data.DataLoader(test_set, batch_size=16)
dataiter = iter(train_loader)
images, labels = dataiter.next()
print(images.size())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.fc1 = nn.Linear(6 * 7 * 7, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 4)
        x = F.dropout(x, training=self.training)
        return self.fc1(x.view(-1, 6 * 7 * 7))


model = Net().cuda()
criterion = nn.CrossEntropyLoss().cuda()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
best = np.inf
for epoch in range(3):
    model.train()
    total = 0
    for data, target in train_loader:
        data, target = Variable(data.cuda()), Variable(target.cuda())
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
        total += loss.data[0] * data.size(0)
    model.eval()
    valid = 0
    for data, target in valid_loader:
        data, target = Variable(data.cuda(), volatile=True), Variable(target.cuda())
        valid += criterion(model(data), target).data[0] * data.size(0)
    valid = valid / len(valid_loader.sampler)
    print("epoch %d train loss %.6f valid loss %.6f" % (epoch, total / len(train_loader.sampler), valid))
    if valid <= best:
        torch.save(model, "best.pth")
        best = valid
model = torch.load("best.pth")
model.eval()
correct = 0
for data, target in test_loader:
    pred = model(Variable(data.cuda())).data.max(1)[1]
    correct += pred.eq(target.cuda()).cpu().sum()
print("test accuracy: %.2f %%" % (100.0 * correct / len(test_set)))
