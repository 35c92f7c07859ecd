"""One loop for both phases, running corrects, arguments with defaults."""

import argparse
import copy
import time

import torch
import torch.nn as nn
import torch.optim as optim
from torchvision import datasets, transforms

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--lr", type=float, default=0.01)
args = parser.parse_args()
torch.manual_seed(5)

mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
data_transforms = {
    "train": transforms.Compose(
        [transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize(mean, std)]
    ),
    "val": transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)]),
}
full = {phase: datasets.CIFAR10("data", train=True, transform=t, download=True) for phase, t in data_transforms.items()}
parts = torch.randperm(len(full["train"])).split(len(full["train"]) * 4 // 5)
image_datasets = {
    "train": torch.utils.data.Subset(full["train"], parts[0]),
    "val": torch.utils.data.Subset(full["val"], parts[1]),
}
dataloaders = {p: torch.utils.data.DataLoader(d, batch_size=16, shuffle=True) for p, d in image_datasets.items()}
dataset_sizes = {p: len(d) for p, d in image_datasets.items()}
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def train_model(model, criterion, optimizer, scheduler, num_epochs):
    since = time.time()
    best_model_wts = copy.deepcopy(model.state_dict())
    best_acc = 0.0
    for epoch in range(num_epochs):
        print(f"Epoch {epoch}/{num_epochs - 1}")
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            running_loss = 0.0
            running_corrects = 0
            for inputs, labels in dataloaders[phase]:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            if phase == "train":
                scheduler.step()
            epoch_loss = running_loss / dataset_sizes[phase]
            epoch_acc = running_corrects.double() / dataset_sizes[phase]
            print(f"{phase} Loss: {epoch_loss:.4f} Acc: {epoch_acc:.4f}")
            if phase == "val" and epoch_acc > best_acc:
                best_acc = epoch_acc
                best_model_wts = copy.deepcopy(model.state_dict())
    print(f"Training complete in {(time.time() - since) // 60:.0f}m, best val Acc: {best_acc:4f}")
    model.load_state_dict(best_model_wts)
    return model


model = nn.Sequential(nn.Conv2d(3, 6, 5, stride=3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(600, 10)).to(
    device
)
optimizer_ft = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
scheduler = optim.lr_scheduler.StepLR(optimizer_ft, step_size=2, gamma=0.1)
train_model(model, nn.CrossEntropyLoss(), optimizer_ft, scheduler, args.epochs)
