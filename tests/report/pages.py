"""Studies with known numbers, and the page of a report taken apart."""

from dataclasses import asdict
from html.parser import HTMLParser
from typing import Any

import numpy as np
import torch

from cifar_repro.core import official
from cifar_repro.core.data import ImageSet
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.recipe import RECIPES, Seeds
from cifar_repro.report.comparison import Result
from cifar_repro.report.page import render
from cifar_repro.report.pictures import Answers, Pictures, Seen
from cifar_repro.studies.study_file import Study
from cifar_repro.studies.summary import pack_bits, sum_up
from tests import make_studies
from tests.make_studies import as_study

VOID = {"meta", "link", "img", "br"}
ENVIRONMENT = make_studies.ENVIRONMENT | {"torch": "2.14.1+cpu", "python": "3.12.1"}


def a_run(seed: int, recipe: str = "udacity", epochs: int = 3) -> dict[str, Any]:
    """One of the runs of a study; its 1,000 test images, 100 a class, are right where seed and image say so."""
    made_of, rng = RECIPES[recipe], np.random.default_rng(seed)
    correct = rng.random(1000) < 0.7
    confusion = np.zeros((10, 10), dtype=int)
    for image, right in enumerate(correct):
        confusion[image % 10, image % 10 if right else (image % 10 + 1 + image // 10 % 9) % 10] += 1
    validates = made_of.validation != "none"
    return {
        "folder": f"seed-{seed}",
        "seeds": asdict(Seeds.all(seed)),
        "environment": ENVIRONMENT,
        "epochs": [
            {
                "epoch": epoch,
                "train_loss": 2 / epoch + 0.01 * seed,
                "valid_loss": 2.1 / epoch + 0.01 * seed if validates else None,
                "saved": True,
                "weights_sha256": f"{seed:032x}{epoch:032x}",
                "train_seconds": 60.0,
                "valid_seconds": 6.0,
                "valid_accuracy": 0.2 * epoch if made_of.validation == "test" else None,
                "running_loss": [2 / epoch - 0.1 * k for k in range(6)] if made_of.loss_window else [],
            }
            for epoch in range(1, epochs + 1)
        ],
        "best": {"epoch": epochs, "valid_loss": 2.1 / epochs + 0.01 * seed if validates else None},
        "test": {
            "loss": 0.75 + 0.01 * seed,
            "correct": int(correct.sum()),
            "total": 1000,
            "per_class": [
                {"name": name, "correct": int(confusion[k, k]), "total": 100} for k, name in enumerate(CLASSES)
            ],
            "confusion": confusion.tolist(),
        },
        "correct_bits": pack_bits(correct),
    }


def a_study(seeds: int = 3, recipe: str = "udacity", epochs: int = 3, first: int = 0, **data: Any) -> dict[str, Any]:
    """As study.json has it, but for the summaries; `data` changes what it says of its data."""
    runs = [a_run(seed, recipe, epochs) for seed in range(first, first + seeds)]
    changed = RECIPES[recipe].with_changes({"epochs": epochs})
    described = {
        "kind": "binary",
        "official": True,
        "path": "data",
        "fingerprints": dict(official.FINGERPRINTS),
        "counts": {"train": dict.fromkeys(CLASSES, 5_000), "test": dict.fromkeys(CLASSES, 100)},
    }
    return {
        "study": 1,
        "recipe": {**asdict(changed), "overridden": changed.changes()},
        "vary": None,
        "data": described | data,
        "runs": runs,
        "diverged": [],
    }


def one_run(**data: Any) -> dict[str, Any]:
    """A single run in the same form, as `of_run` makes it."""
    study = a_study(1, **data)
    study["runs"][0] |= {"folder": ".", "correct_bits": None}
    return study


def whole(content: dict[str, Any]) -> Study:
    """The study with its summaries."""
    study = as_study(content)
    return sum_up(study.recipe, study.vary, study.data, study.runs, study.diverged)


def some_pictures() -> Seen:
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    index = np.arange(3)
    pictures = Pictures(index, images, index, np.array([0, 4, 5]), np.array([0.5, 0.25, 0.9996], np.float32), index + 1)
    test = ImageSet(torch.from_numpy(images), torch.from_numpy(index))
    return Seen(pictures, pictures, Answers(test, np.array([[True, False, False]]), pictures.predicted))


class Page(HTMLParser):
    """What a page consists of. tags: all elements in order, each with the names of its attributes."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []  # (element, name, value)
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title", "desc"):
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def values(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name]

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)


def page(*studies: dict[str, Any], seen: Seen | str = "No pictures.") -> Page:
    return Page(html(*studies, seen=seen))


def html(*studies: dict[str, Any], seen: Seen | str = "No pictures.") -> str:
    """The page on these studies, which are called A, B, C, ..."""
    return render([Result(chr(ord("A") + k), whole(study), seen) for k, study in enumerate(studies)])
