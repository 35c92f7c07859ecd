"""Test images that are worth a look: the first ones, and those that the runs get wrong."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cifar_repro.core.data import Cifar10, ImageSet, batches
from cifar_repro.core.evaluation import mode
from cifar_repro.core.progress import Progress
from cifar_repro.core.recipe import Recipe
from cifar_repro.runs.record import check_same_data
from cifar_repro.runs.run import evaluate_images, load_best
from cifar_repro.studies.study_file import Study
from cifar_repro.studies.summary import unpack_bits

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pictures:
    """N test images and what one network takes them for.

    index: their places among the test images. images: (N, 3, 32, 32) uint8. true and predicted: classes.
    confidence: the probability that the network gives to its prediction. wrong_in: how many runs get the image wrong.
    """

    index: Whole
    images: npt.NDArray[np.uint8]
    true: Whole
    predicted: Whole
    confidence: npt.NDArray[np.float32]
    wrong_in: Whole

    def take(self, chosen: Whole) -> "Pictures":
        return Pictures(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Answers:
    """What the networks of a result make of the test images. correct: (runs, images) bool. predicted: (images,) classes
    of a run alone; None of a study, which keeps no more than which are right."""

    test: ImageSet
    correct: npt.NDArray[np.bool_]
    predicted: Whole | None


@dataclass(frozen=True)
class Seen:
    """The first test images, the most confused ones, and what is known of all."""

    first: Pictures
    confused: Pictures
    answers: Answers


def look_again(folder: Path, study: Study, data: Cifar10, progress: Progress) -> Seen:
    """What `see` gives of a study (a run is a study of one) in `folder`, by the network of its first run.

    Raises InputError where the data or the weights are not the study's.
    """
    run, recipe = study.runs[0], study.recipe
    check_same_data(study.data, data, str(folder))
    network = load_best(folder / run.folder, recipe, run.epochs, run.best)
    bits = [each.correct_bits for each in study.runs if each.correct_bits is not None]
    if not bits:
        result = evaluate_images(
            network, data, replace(recipe, batch_size=500), torch.device("cpu"), "contiguous", progress
        )
        return see(network, data.test, recipe, predicted=result.predicted.numpy())
    correct = np.stack([unpack_bits(each, len(data.test)) for each in bits])
    return see(network, data.test, recipe, correct=correct)


def see(
    network: nn.Module,
    test: ImageSet,
    recipe: Recipe,
    *,
    predicted: Whole | None = None,
    correct: npt.NDArray[np.bool_] | None = None,
) -> Seen:
    """What there is to be seen of a run, by what it predicts, or of a study, by what its runs get right."""
    if predicted is not None:
        correct = (predicted == test.labels.numpy())[np.newaxis]
    assert correct is not None
    return Seen(*look(network, test, correct, recipe), Answers(test, correct, predicted))


def look(
    network: nn.Module, test: ImageSet, correct: npt.NDArray[np.bool_], recipe: Recipe, count: int = 20
) -> tuple[Pictures, Pictures]:
    """(the first `count` test images, the `count` most confused ones), as `network` sees them.

    correct: (runs, images), whether a run gets an image right. The most confused images are those that the most runs
    get wrong and, among those, that the network is surest about. It runs on these images alone, on the CPU.
    """
    wrong_in = (~correct).sum(0)
    most = int(np.sort(wrong_in)[-count:][0])  # as many runs get at least `count` images wrong
    chosen = np.flatnonzero(wrong_in >= max(most, 1))
    k = min(count, len(test))
    seen = _seen(network, test, np.concatenate([np.arange(k), chosen]), wrong_in, recipe)
    first, rest = seen.take(np.arange(k)), seen.take(np.arange(k, len(seen.index)))
    rest = rest.take(np.flatnonzero(rest.predicted != rest.true))  # of an image that some runs get right, this one may
    return first, rest.take(np.lexsort((-rest.confidence, -rest.wrong_in))[:count])


def _seen(network: nn.Module, test: ImageSet, index: Whole, wrong_in: Whole, recipe: Recipe) -> Pictures:
    with mode(network, training=False), torch.inference_mode():
        made = batches(test, torch.from_numpy(index), 500, pixels=recipe.pixels)
        logits = torch.cat([torch.empty(0, 10), *(network(images) for images, _ in made)])
    confidence, predicted = logits.softmax(1).max(1)
    images, true = test.images[index].numpy(), test.labels[index].numpy()
    return Pictures(index, images, true, predicted.numpy(), confidence.numpy(), wrong_in[index])
