"""What the commands print for people to read: the lesson's own lines, and what it leaves unsaid."""

from typing import Any

from cifar_repro.core.model import build_network
from cifar_repro.core.shapes import volume_walk
from cifar_repro.core.training import Epoch, split
from cifar_repro.runs.record import caption, data_label
from cifar_repro.runs.run import Run
from cifar_repro.runs.verify import Verification
from cifar_repro.traces.diff import Parting


def setup(run: Run) -> str:
    """What is about to run: device, data, split, network and the volumes in it."""
    environment, network = run.record["environment"], build_network(run.recipe)
    threads = environment["threads"]
    where = environment["gpu"] or f"{environment['cpu']}, {threads} thread{'s' * (threads != 1)}"
    volumes = [f"  {v.layer:8}{' x '.join(map(str, v.shape))}" for v in volume_walk(network)]
    lines = [
        ("CUDA is available!  Training on GPU ..." if run.device.type == "cuda" else "Training on CPU ..."),
        f"{caption(run.record)}",
        f"torch {environment['torch']} on {environment['device']} ({where}), {run.memory_format}",
        _parts(run),
        str(network),
        "Volumes, by (W - F + 2P) / S + 1:",
        *volumes,
    ]
    if done := len(run.record["epochs"]):
        lines.append(f"Going on after epoch {done}")
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


def test(result: dict[str, Any]) -> str:
    """The `test` entry of a record. Percentages are cut, not rounded, as in the lesson."""
    lines = [f"Test Loss: {result['loss']:.6f}", ""]
    lines += [_accuracy(f"of {c['name']:>10}", c["correct"], c["total"]) for c in result["per_class"]]
    return "\n".join([*lines, "", _accuracy("(Overall)", result["correct"], result["total"])])


def _accuracy(what: str, correct: int, total: int) -> str:
    if not total:
        return f"Test Accuracy {what}: N/A (no such images)"
    return f"Test Accuracy {what}: {100 * correct // total:2d}% ({correct}/{total})"


def diverged(record: dict[str, Any]) -> str:
    stopped, rate = record["stopped"], record["recipe"]["learning_rate"]
    where = f"epoch {stopped['epoch']}, {stopped['phase']} step {stopped['step']}"
    return (
        f"the loss was {stopped['loss']} in {where}: the run is stopped and no checkpoint holds such weights; "
        f"try a learning rate below {rate}"
    )


def data(described: dict[str, Any]) -> str:
    """The `data` entry of a record."""
    counts, prints = described["counts"], described["fingerprints"]
    lines = [
        f"layout:    {described['kind']}" + (f" in {described['path']}" if described["path"] else ""),
        f"official:  {'yes' if described['official'] else 'no'}: {data_label(described)}",
        "",
        f"{'class':12}{'train':>8}{'test':>8}",
        *(f"{name:12}{counts['train'][name]:8,}{counts['test'][name]:8,}" for name in counts["train"]),
        f"{'all':12}{sum(counts['train'].values()):8,}{sum(counts['test'].values()):8,}",
        "",
        *(f"{part + ' fingerprint:':19}{prints[part]}" for part in ("train", "test")),
    ]
    return "\n".join(lines)


def identical(result: Epoch) -> str:
    return f"Epoch: {result.epoch} \tidentical: weights {result.weights_sha256[:12]}"


def verification(result: Verification) -> str:
    """Identical, or where the run parts and what could be why."""
    parted = result.difference
    if parted is None:
        epochs = f"{result.epochs} epoch{'s' if result.epochs > 1 else ''}"
        return f"Identical: all losses and weights of {epochs}, to the last bit"
    lines = [
        f"It parts in epoch {parted.epoch}, first in {parted.name}:",
        f"  recorded  {parted.recorded}",
        f"  here      {parted.here}",
    ]
    if result.environment:
        lines += ["The environment differs from the recorded one in:", *(f"  {line}" for line in result.environment)]
    else:
        lines.append("Nothing in the environment differs from the recorded one.")
    if result.explained_by:
        lines.append("The recorded numbers come out with other settings than the recorded ones:")
        lines += [f"  {line}" for line in result.explained_by]
    elif not result.environment:
        lines.append("Left are: the code of the experiment, another build of torch, or an edited record.")
    return "\n".join(lines)


def parting(found: Parting) -> str:
    """Identical, or where two traces part, by how much, and how that grows."""
    lines = [*_lacking("Only in the first: ", found.missing), *_lacking("Only in the second:", found.extra)]
    if found.first is None:
        lines.append("Identical." if found.identical else found.sentence)
        return "\n".join([*lines, *_experiment(found)])
    lines += [f"They part at {found.first} ({found.kind}).", found.sentence]
    if found.gap is None:
        lines.append("Its shape or type is another one.")
    elif not found.gap.sampled:
        lines.append("The sampled values of it are equal: the difference is between them.")
    else:
        which = "All its values, compared one by one," if found.gap.all_values else "The sampled values"
        ulps = "" if found.gap.ulps is None else f", {found.gap.ulps:,} ulps"
        lines.append(f"{which} differ by up to {found.gap.absolute:.3g}, relatively {found.gap.relative:.3g}{ulps}.")
    lines += _experiment(found)
    if found.environment:
        lines += ["The environments differ in:", *(f"  {line}" for line in found.environment)]
    if found.growth:
        lines.append(f"{'step':>6}{'loss differs by':>18}{'weights, relatively':>22}")
        shown = [row for row in found.growth if row[0] in (1, 2, 5, 10, found.growth[-1][0]) or row[0] % 20 == 0]
        lines += [f"{step:6}{loss:18.3g}{weights:22.3g}" for step, loss, weights in shown]
    return "\n".join(lines)


def _lacking(where: str, names: list[str]) -> list[str]:
    """A few of the names that only one trace has, and how many more there are."""
    few = names[:3]
    more = [f"{where} {len(names) - len(few)} more"] if len(names) > len(few) else []
    return [*(f"{where} {name}" for name in few), *more]


def _experiment(found: Parting) -> list[str]:
    return ["The experiments differ in:", *(f"  {line}" for line in found.experiment)] if found.experiment else []
