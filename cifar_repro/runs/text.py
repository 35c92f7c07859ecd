"""What is printed of a run for people to read: the lesson's own lines, and what it leaves unsaid."""

from cifar_repro.answers import Answer, Check
from cifar_repro.core.model import build_network
from cifar_repro.core.shapes import volume_walk
from cifar_repro.core.training import Epoch, split
from cifar_repro.runs.code import code_label
from cifar_repro.runs.record import Data, Record, Tested, caption, data_label
from cifar_repro.runs.run import Run
from cifar_repro.runs.verify import Verification


def setup(run: Run) -> str:
    """What is about to run: device, data, split, network and the volumes in it."""
    environment, network = run.record.environment, build_network(run.recipe)
    threads = environment.threads
    where = environment.gpu or f"{environment.cpu}, {threads} thread{'s' * (threads != 1)}"
    volumes = [f"  {v.layer:8}{' x '.join(map(str, v.shape))}" for v in volume_walk(network)]
    lines = [
        ("CUDA is available!  Training on GPU ..." if run.device.type == "cuda" else "Training on CPU ..."),
        caption(run.recipe, run.seeds, run.record.data),
        f"torch {environment.torch} on {environment.device} ({where}), {run.memory_format}",
        _parts(run),
        str(network),
        "Volumes, by (W - F + 2P) / S + 1:",
        *volumes,
    ]
    if done := len(run.record.epochs):
        lines.append(f"Going on after epoch {done}")
    if len(run.record.code) > 1:
        lines.append(f"WARNING: this run is not known to be all of the same code: {code_label(run.record.code)}")
    return "\n".join(lines)


def _parts(run: Run) -> str:
    """How many images there are to train on, to validate on and to test on."""
    training, held_out = (len(part) for part in split(run.recipe, run.seeds, len(run.data.train)))
    test = f"{len(run.data.test):,} test images"
    if run.recipe.validation == "split":
        return f"{training:,} training, {held_out:,} validation and {test}"
    more = "which are the validation images, too" if run.recipe.validation == "test" else "no validation"
    return f"{training:,} training and {test}, {more}"


def epoch(result: Epoch, previous_best: float | None, window: int = 0) -> str:
    """What came of an epoch. previous_best: None where the validation does not choose the weights.

    window: that of the running loss, which is told as PyTorch's tutorial tells it.
    """
    lines = [
        f"[{result.epoch}, {n * window:5}] loss: {loss:.3f}" for n, loss in enumerate(result.running_loss, start=1)
    ]
    line = f"Epoch: {result.epoch} \tTraining Loss: {result.train_loss:.6f}"
    if result.valid_loss is not None:
        line += f" \tValidation Loss: {result.valid_loss:.6f}"
        if previous_best is None:
            line += f" \tValidation Accuracy: {100 * (result.valid_accuracy or 0):.2f}%"
        elif result.saved:
            line += f"\nValidation loss decreased ({previous_best:.6f} --> {result.valid_loss:.6f}).  Saving model ..."
    return "\n".join([*lines, line])


def test(result: Tested) -> str:
    """What came of the test. Percentages are cut, not rounded, as in the lesson, and the last line says so."""
    lines = [f"Test Loss: {result.loss:.6f}", ""]
    lines += [_accuracy(f"of {c.name:>10}", c.correct, c.total) for c in result.per_class]
    lines += ["", _accuracy("(Overall)", result.correct, result.total)]
    if result.total:
        lines.append(
            f"(Whole percentages are cut, as the lesson cuts them: overall it is {100 * result.accuracy:.2f} %)"
        )
    return "\n".join(lines)


def _accuracy(what: str, correct: int, total: int) -> str:
    if not total:
        return f"Test Accuracy {what}: N/A (no such images)"
    return f"Test Accuracy {what}: {100 * correct // total:2d}% ({correct}/{total})"


def diverged(record: Record) -> str:
    """Where a run that diverged did so, and what to do."""
    stopped, rate = record.stopped, record.recipe.learning_rate
    assert stopped is not None
    where = f"epoch {stopped.epoch}, {stopped.phase} step {stopped.step}"
    return (
        f"the loss was {stopped.loss} in {where}: the run is stopped and no checkpoint holds such weights; "
        f"try a learning rate below {rate}"
    )


def data(described: Data) -> str:
    """What a record says of the data."""
    train, test = described.counts.train, described.counts.test
    lines = [
        f"layout:    {described.kind}" + (f" in {described.path}" if described.path else ""),
        f"official:  {'yes' if described.official else 'no'}: {data_label(described)}",
        "",
        f"{'class':12}{'train':>8}{'test':>8}",
        *(f"{name:12}{train[name]:8,}{test[name]:8,}" for name in train),
        f"{'all':12}{described.images('train'):8,}{described.images('test'):8,}",
        "",
        f"{'train fingerprint:':19}{described.fingerprints.train}",
        f"{'test fingerprint:':19}{described.fingerprints.test}",
    ]
    return "\n".join(lines)


# What `verify` compares, in words.
COMPARED = {
    "train_loss": "the training loss",
    "valid_loss": "the validation loss",
    "saved": "whether its weights were kept as the best",
    "weights_sha256": "the weights",
}


def identical(result: Epoch) -> str:
    return f"Epoch: {result.epoch} \tidentical: weights {result.weights_sha256[:12]}"


def answer(result: Verification) -> Answer:
    """A check of the epochs that are as recorded, if there are any, and of the first one that is not."""
    found = result.difference
    equal = result.epochs - (found is not None)
    headline, *lines = verification(result).splitlines()
    checks = []
    if equal:
        which = "epoch 1" if equal == 1 else f"epochs 1 to {equal}"
        checks.append(Check(which, "passed", "all losses and weights are as recorded, to the last bit"))
    if found is not None:
        lines = lines[2:]  # which the check has
        message = f"{COMPARED[found.name]} ({found.name}): recorded {found.recorded}, here {found.here}"
        checks.append(Check(f"epoch {found.epoch}", "failed", message))
    return Answer(headline.removesuffix(":"), checks, lines)


def verification(result: Verification) -> str:
    """Identical, or where the run first differs and what could be why."""
    parted = result.difference
    listed = [f"  {line}" for line in result.environment]
    if parted is None:
        epochs = f"{result.epochs} epoch{'s' if result.epochs > 1 else ''}"
        lines = [f"Identical: all losses and weights of {epochs}, to the last bit"]
        return "\n".join([*lines, *(["The environment differs from the recorded one in:", *listed] if listed else [])])
    lines = [
        f"The run first differs in epoch {parted.epoch}, in {COMPARED[parted.name]} ({parted.name}):",
        f"  recorded  {parted.recorded}",
        f"  here      {parted.here}",
    ]
    if result.environment:
        lines += ["The environment differs from the recorded one in:", *listed]
    else:
        lines.append("Nothing in the environment differs from the recorded one.")
    if result.explained_by:
        lines.append("With other settings than the recorded ones the recorded numbers come out again:")
        lines += [f"  {line}" for line in result.explained_by]
    elif not result.environment:
        lines.append("What may be why: the code of the experiment, another build of torch, or an edited record.")
    return "\n".join(lines)
