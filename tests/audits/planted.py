"""Mistakes that students make, each as one change of the text of `programs/right.py`, and the rule that must name it."""

from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Mistake:
    """Replaces `old`, which must be there, by `new`, wherever it stands. rule: the one that must say WRONG.

    outcome: what it must say, where that is milder; more: further replacements.
    """

    name: str
    rule: str
    old: str
    new: str
    outcome: str = "WRONG"
    more: tuple[tuple[str, str], ...] = ()

    def planted(self, text: str) -> str:
        for old, new in ((self.old, self.new), *self.more):
            assert old in text, f"{self.name}: the program has no {old!r}"
            text = text.replace(old, new)
        return text


APART = "training and validation images are apart"
HELD_BACK = "test images are held back"
ONCE = "each training image once an epoch"
SHUFFLED = "training images are shuffled anew"
LABELS = "labels stay with their images"
NUMBERS = "the same numbers for the same pixels"
AUGMENTED = "augmentation on training images only"
MODES = "training mode and evaluation mode"
CLEARED = "gradients are cleared"
ONE_STEP = "one step a batch"
HOLDS = "the optimizer holds the network"
LEARN = "all parameters learn"
FITS = "the loss fits the output"
NO_GRAD = "evaluation without gradients"
LOSSES = "printed losses are means"
SAVED = "saved when it got better"
TESTED = "the weights tested are those saved"
TEST_ONCE = "each test image is counted once"
COUNTS = "printed counts are as counted"

TRAIN_LOADER = "train_loader = DataLoader(train_data, batch_size=batch_size, sampler=SubsetRandomSampler(train_idx))"
VALID_LOADER = "valid_loader = DataLoader(valid_data, batch_size=batch_size, sampler=SubsetRandomSampler(valid_idx))"
ON_TEST = "valid_loader = DataLoader(test_data, batch_size=batch_size, sampler=SubsetRandomSampler(list(range(len(test_data)))))"
TEST_LOADER = "test_loader = DataLoader(test_data, batch_size=batch_size)"
OPTIMIZER = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)"
CRITERION = "criterion = nn.CrossEntropyLoss()"
LAST = "        x = self.fc2(x)\n        return x\n"
STEPS = "        loss.backward()\n        optimizer.step()\n"
TRAIN_MEAN = "train_loss = train_loss / len(train_loader.sampler)"
VALID_MEAN = "valid_loss = valid_loss / len(valid_loader.sampler)"
TRAIN_SUM = "train_loss += loss.item() * data.size(0)"
VALID_SUM = "valid_loss += loss.item() * data.size(0)"
VALID_SUM_LINE = f"            {VALID_SUM}\n"
ASKED = "if valid_loss <= valid_loss_min:"
VALIDATION = "    model.eval()\n    with torch.no_grad():\n        for data, target in valid_loader:"
COUNTED = "class_correct[label] += int(guess == label)\n            class_total[label] += 1"
OVERALL = "overall = 100 * sum(class_correct) / sum(class_total)"
RIGHT_LOADER = "sampler=SubsetRandomSampler(train_idx)"

MISTAKES = (
    # Which images
    Mistake("trained on all images, validation with them", APART, RIGHT_LOADER, "shuffle=True"),
    Mistake("the split overlaps by a few images", APART, "indices[split:], indices[:split]", "indices[split - 5:], indices[:split]"),
    Mistake("validated on the training images", APART, "SubsetRandomSampler(valid_idx)", "SubsetRandomSampler(train_idx)"),
    Mistake("shuffled again between the two parts", APART, "train_idx, valid_idx = indices[split:], indices[:split]", "train_idx = indices[split:]\nnp.random.shuffle(indices)\nvalid_idx = indices[:split]"),
    Mistake("the validation loop trains as well", APART, VALID_SUM_LINE, VALID_SUM_LINE + "            with torch.enable_grad():\n                optimizer.zero_grad()\n                criterion(model(data), target).backward()\n                optimizer.step()\n"),
    Mistake("a tenth of the images is used for nothing", APART, "indices[split:], indices[:split]", "indices[split + split // 2:], indices[:split]", "unusual"),
    Mistake("trained on the test images", HELD_BACK, TRAIN_LOADER, "train_loader = DataLoader(test_data, batch_size=batch_size, shuffle=True)"),
    Mistake("trained on both, in one set", HELD_BACK, TRAIN_LOADER, "train_loader = DataLoader(torch.utils.data.ConcatDataset([train_data, test_data]), batch_size=batch_size, shuffle=True)"),
    Mistake("chosen by the test images", HELD_BACK, VALID_LOADER, ON_TEST),
    Mistake("chosen by the test images, kept in memory", HELD_BACK, VALID_LOADER, ON_TEST, more=(('torch.save(model.state_dict(), "best.pt")', "best = {k: v.clone() for k, v in model.state_dict().items()}"), ('torch.load("best.pt")', "best"))),
    Mistake("the learning rate falls by the test images", HELD_BACK, VALID_LOADER, ON_TEST, more=((OPTIMIZER, OPTIMIZER + "\nscheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)"), (VALID_MEAN, VALID_MEAN + "\n    scheduler.step(valid_loss)"), (ASKED, "if True:"))),
    Mistake("the best test accuracy of the epochs is reported", HELD_BACK, VALID_LOADER, ON_TEST, more=(("epochs = 4", "epochs = 4\nbest = 0.0"), (VALIDATION, "    hits = 0\n" + VALIDATION), (VALID_SUM_LINE, VALID_SUM_LINE + "            hits += int((output.argmax(1) == target).sum())\n"), (VALID_MEAN, VALID_MEAN + "\n    best = max(best, 100 * hits / len(test_data))"), (ASKED, "if True:"), ('model.load_state_dict(torch.load("best.pt"))', 'print(f"Best accuracy: {best:.2f}%")'))),
    Mistake("each epoch stops after three batches", ONCE, TRAIN_SUM, TRAIN_SUM + "\n        if train_loss > 100:\n            break"),
    Mistake("images drawn with replacement", ONCE, RIGHT_LOADER, "sampler=torch.utils.data.RandomSampler(train_idx, replacement=True)"),
    Mistake("every image twice an epoch", ONCE, RIGHT_LOADER, "sampler=SubsetRandomSampler(train_idx + train_idx)"),
    Mistake("not shuffled", SHUFFLED, RIGHT_LOADER, "sampler=sorted(train_idx)"),
    Mistake("the same order in each epoch", SHUFFLED, RIGHT_LOADER, "sampler=train_idx"),
    Mistake("labels moved by one", LABELS, "        output = model(data)\n        loss = criterion(output, target)\n        loss.backward()", "        output = model(data)\n        target = target.roll(1)\n        loss = criterion(output, target)\n        loss.backward()"),
    Mistake("images shuffled apart from their labels", LABELS, "        optimizer.zero_grad()\n", "        optimizer.zero_grad()\n        target = target[torch.randperm(len(target))]\n"),
    Mistake("labels one too high, modulo ten, in training alone", LABELS, "        optimizer.zero_grad()\n", "        optimizer.zero_grad()\n        target = (target + 1) % 10\n"),
    Mistake("test images not normalised", NUMBERS, 'test_data = datasets.CIFAR10("data", train=False, download=True, transform=to_numbers)', 'test_data = datasets.CIFAR10("data", train=False, download=True, transform=transforms.ToTensor())'),
    Mistake("validation images normalised twice", NUMBERS, 'valid_data = datasets.CIFAR10("data", train=True, download=True, transform=to_numbers)', 'valid_data = datasets.CIFAR10("data", train=True, download=True, transform=transforms.Compose([to_numbers, transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]))'),
    Mistake("test images with another mean", NUMBERS, 'train=False, download=True, transform=to_numbers', 'train=False, download=True, transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))])'),
    Mistake("test images are flipped", AUGMENTED, "train=False, download=True, transform=to_numbers", "train=False, download=True, transform=flipped"),
    Mistake("test images are cut at random", AUGMENTED, "train=False, download=True, transform=to_numbers", "train=False, download=True, transform=transforms.Compose([transforms.RandomCrop(32, padding=4), to_numbers])"),
    Mistake("validation images are flipped", AUGMENTED, 'valid_data = datasets.CIFAR10("data", train=True, download=True, transform=to_numbers)', "valid_data = train_data", "unusual"),
    # Modes and steps
    Mistake("eval() forgotten", MODES, "model.eval()", "pass"),
    Mistake("train() only before the first epoch", MODES, "    train_loss = 0.0\n    valid_loss = 0.0\n    model.train()\n", "    train_loss = 0.0\n    valid_loss = 0.0\n"),
    Mistake("dropout by its function, always on", MODES, "x = self.dropout(x)", "x = F.dropout(x, 0.25)"),
    Mistake("trained in evaluation mode", MODES, "    model.train()\n", "    model.eval()\n"),
    Mistake("gradients never cleared", CLEARED, "        optimizer.zero_grad()\n", ""),
    Mistake("gradients cleared once an epoch", CLEARED, "    model.train()\n    for data, target in train_loader:\n        optimizer.zero_grad()\n", "    model.train()\n    optimizer.zero_grad()\n    for data, target in train_loader:\n"),
    Mistake("gradients cleared before the step", CLEARED, STEPS, "        loss.backward()\n        optimizer.zero_grad()\n        optimizer.step()\n"),
    Mistake("the step before the gradients", ONE_STEP, STEPS, "        optimizer.step()\n        loss.backward()\n"),
    Mistake("two steps a batch", ONE_STEP, "        optimizer.step()\n", "        optimizer.step()\n        optimizer.step()\n"),
    Mistake("no step at all", ONE_STEP, "        optimizer.step()\n", ""),
    Mistake("the step outside of the loop", ONE_STEP, "        optimizer.step()\n        train_loss += loss.item() * data.size(0)\n", "        train_loss += loss.item() * data.size(0)\n    optimizer.step()\n"),
    Mistake("the network made anew after the optimizer", HOLDS, OPTIMIZER, OPTIMIZER + "\nmodel = Net()"),
    Mistake("the optimizer holds the last layer alone", HOLDS, "SGD(model.parameters()", "SGD(model.fc2.parameters()"),
    Mistake("a layer that is never used", LEARN, "        self.dropout = nn.Dropout(0.25)\n", "        self.dropout = nn.Dropout(0.25)\n        self.conv3 = nn.Conv2d(16, 16, 3, padding=1)\n"),
    Mistake("a layer cut off from the gradients", LEARN, "x = x.view(-1, 16 * 8 * 8)", "x = x.detach().view(-1, 16 * 8 * 8)"),
    Mistake("a learning rate of nothing", LEARN, "lr=0.1", "lr=0.0"),
    Mistake("softmax before cross-entropy", FITS, LAST, LAST.replace("return x", "return F.softmax(x, dim=1)")),
    Mistake("raw outputs into NLLLoss", FITS, CRITERION, "criterion = nn.NLLLoss()"),
    Mistake("softmax into NLLLoss", FITS, CRITERION, "criterion = lambda x, y: F.nll_loss(F.softmax(x, dim=1), y)"),
    Mistake("gradients kept in evaluation", NO_GRAD, "with torch.no_grad():", "if True:", "unusual"),
    # What is printed
    Mistake("batch means added, divided by the images", LOSSES, TRAIN_SUM, "train_loss += loss.item()"),
    Mistake("the validation's batch means divided by the images", LOSSES, VALID_SUM, "valid_loss += loss.item()"),
    Mistake("divided by the whole data set", LOSSES, TRAIN_MEAN, "train_loss = train_loss / len(train_loader.dataset)"),
    Mistake("validation loss divided by the whole data set", LOSSES, VALID_MEAN, "valid_loss = valid_loss / len(valid_loader.dataset)"),
    Mistake("the sum over images divided by the batches", LOSSES, TRAIN_MEAN, "train_loss = train_loss / len(train_loader)"),
    Mistake("divided by the other part's images", LOSSES, VALID_MEAN, "valid_loss = valid_loss / len(train_loader.sampler)"),
    Mistake("the last batch counts as a full one", LOSSES, TRAIN_SUM, "train_loss += loss.item() * batch_size"),
    Mistake("the loss is never set to 0", LOSSES, "for epoch in range(1, epochs + 1):\n    train_loss = 0.0\n", "train_loss = 0.0\nfor epoch in range(1, epochs + 1):\n"),
    Mistake("the sum of losses goes on from epoch to epoch", LOSSES, "for epoch in range(1, epochs + 1):\n    train_loss = 0.0\n", "total = 0.0\nfor epoch in range(1, epochs + 1):\n", more=((TRAIN_SUM, "total += loss.item() * data.size(0)"), (TRAIN_MEAN, "train_loss = total / len(train_loader.sampler)"))),
    Mistake("the mean of batches, the last one smaller", LOSSES, VALID_SUM_LINE + "    " + TRAIN_MEAN + "\n    " + VALID_MEAN, "            valid_loss += loss.item()\n    " + TRAIN_MEAN + "\n    valid_loss = valid_loss / len(valid_loader)", "unusual"),
    Mistake("the last batch's loss alone", LOSSES, TRAIN_SUM, "train_loss = loss.item() * len(train_loader.sampler)", "unusual"),
    Mistake("the training loss printed as validation loss", LOSSES, "validation loss {valid_loss:.6f}", "validation loss {train_loss:.6f}"),
    # Which weights
    Mistake("the worst is kept in memory", SAVED, ASKED, "if valid_loss >= valid_loss_min or epoch == 1:", more=(('torch.save(model.state_dict(), "best.pt")', "best = {k: v.clone() for k, v in model.state_dict().items()}"), ('torch.load("best.pt")', "best"))),
    Mistake("saved when it got worse", SAVED, ASKED, "if valid_loss >= valid_loss_min or epoch == 1:"),
    Mistake("the best loss is never remembered", SAVED, "        valid_loss_min = valid_loss\n", ""),
    Mistake("compared with the epoch before", SAVED, "        valid_loss_min = valid_loss\n", "    valid_loss_min = valid_loss\n"),
    Mistake("saved by the training loss", SAVED, ASKED, "if train_loss <= valid_loss_min:", more=(("valid_loss_min = valid_loss", "valid_loss_min = train_loss"),)),
    Mistake("saved in each epoch", SAVED, ASKED, "if True:", "unusual"),
    Mistake("the saved weights are never loaded", TESTED, 'model.load_state_dict(torch.load("best.pt"))\n', ""),
    Mistake("the best weights are no copy", TESTED, 'torch.save(model.state_dict(), "best.pt")', 'torch.save(model.state_dict(), "best.pt")\n        best = model.state_dict()', more=(('model.load_state_dict(torch.load("best.pt"))', "model.load_state_dict(best)"),)),
    # The test
    Mistake("the last test images are left out", TEST_ONCE, TEST_LOADER, "test_loader = DataLoader(test_data, batch_size=batch_size, drop_last=True)"),
    Mistake("test images drawn with replacement", TEST_ONCE, TEST_LOADER, "test_loader = DataLoader(test_data, batch_size=batch_size, sampler=torch.utils.data.RandomSampler(test_data, replacement=True))"),
    Mistake("the test stops after its first two batches", TEST_ONCE, "test_loss += loss.item() * data.size(0)\n", "test_loss += loss.item() * data.size(0)\n        if test_loss > 40:\n            break\n"),
    Mistake("counted on full batches", TEST_ONCE, "for label, guess in zip(target, predicted):\n", "for i in range(batch_size):\n            label, guess = target[i], predicted[i]\n", "unusual"),
    Mistake("counted on full batches of a size that does not divide", TEST_ONCE, "for label, guess in zip(target, predicted):\n", "for i in range(batch_size):\n            label, guess = target[i], predicted[i]\n", more=(("batch_size = 10", "batch_size = 12"),)),
    Mistake("only the first four of each batch are counted", COUNTS, "in zip(target, predicted):", "in zip(target[:4], predicted[:4]):"),
    Mistake("right ones divided by all images", COUNTS, OVERALL, "overall = 100 * sum(class_correct) / len(train_data)"),
    Mistake("the least likely class is counted", COUNTS, "predicted = output.argmax(1)", "predicted = output.argmin(1)"),
    Mistake("the class totals count what was guessed", COUNTS, "class_total[label] += 1", "class_total[guess] += 1"),
    Mistake("the last image of each batch is not counted", COUNTS, "in zip(target, predicted):", "in zip(target[:-1], predicted[:-1]):"),
)  # fmt: skip

# The same for `programs/right.ipynb`, in the text of its cells.
IN_THE_NOTEBOOK = (
    Mistake("notebook: all images for validation", APART, "SubsetRandomSampler(indices[:split])", "SubsetRandomSampler(indices)"),
    Mistake("notebook: evaluated in training mode", MODES, "model.train(learn)", "model.train()"),
    Mistake("notebook: gradients never cleared", CLEARED, "optimizer.zero_grad()", "pass"),
    Mistake("notebook: divided by the whole data set", LOSSES, "total / len(loader.sampler)", "total / len(loader.dataset)"),
    Mistake("notebook: the saved weights are never loaded", TESTED, 'model.load_state_dict(torch.load(\\"model.pt\\"))', "pass", "unusual"),
    Mistake("notebook: the end of each batch is not counted", COUNTS, "zip(target.numpy(), guessed.numpy())", "zip(target.numpy()[:13], guessed.numpy()[:13])"),
)  # fmt: skip
