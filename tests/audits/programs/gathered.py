"""Gradients gathered over two batches, a learning rate scheduler, tqdm, test images looked at in each epoch."""

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from tqdm import tqdm

torch.manual_seed(7)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
tfm = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
train_dl = DataLoader(datasets.CIFAR10("data", True, tfm, download=True), 8, shuffle=True, pin_memory=True)
test_dl = DataLoader(datasets.CIFAR10("data", False, tfm, download=True), 32)
model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 10)).to(device)
opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
sched = CosineAnnealingLR(opt, T_max=3)
every = 2
for epoch in range(3):
    model.train()
    for step, (xb, yb) in enumerate(tqdm(train_dl)):
        loss = nn.functional.cross_entropy(model(xb.to(device)), yb.to(device)) / every
        loss.backward()
        if (step + 1) % every == 0 or step + 1 == len(train_dl):
            opt.step()
            opt.zero_grad()
    sched.step()
    model.eval()
    with torch.no_grad():
        n_right = sum((model(xb.to(device)).argmax(-1) == yb.to(device)).sum().item() for xb, yb in test_dl)
    tqdm.write(f"epoch {epoch}: lr {sched.get_last_lr()[0]:.5f} test acc {n_right / len(test_dl.dataset):.4f}")
