"""The report: one HTML file, complete in itself, of one or more runs and studies."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cifar_repro import __version__
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.evaluation import Evaluation
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.report import pictures
from cifar_repro.report.charts import percent
from cifar_repro.report.comparison import Result, comparison, overview
from cifar_repro.report.parts import section
from cifar_repro.report.pictures import Pictures, Seen
from cifar_repro.report.templates import template, write_page
from cifar_repro.runs.folders import folder_of
from cifar_repro.runs.run import Run, load_best
from cifar_repro.studies.results import of_run
from cifar_repro.studies.study_file import Study
from cifar_repro.verdicts.published import published_beside
from cifar_repro.verdicts.verdict import Verdict
from cifar_repro.verdicts.with_published import with_published

NAME = "report.html"  # in the folder of a run or of a study


def write_report(path: Path, results: Sequence[Result]) -> None:
    """Writes the report on these results; `see` gives what is to be seen of each."""
    write_page(path, render(results))


def write_run_report(run: Run, result: Evaluation) -> None:
    """Writes the report of a run that has just been tested into its folder."""
    network = load_best(run.folder, run.recipe, run.record.epochs, run.record.best)
    seen = pictures.see(network, run.data.test, run.recipe, predicted=result.predicted.cpu().numpy())
    write_report(run.folder / NAME, [Result(run.folder.name, of_run(run.record), seen)])


def write_study_report(folder: Path, study: Study, data: Cifar10) -> Path:
    """Writes the report of a study on that data into its folder, in place of an earlier one; returns where it is."""
    path = folder / NAME
    write_report(path, [Result(folder.name, study, see(folder, study, lambda: data))])
    return path


def see(path: Path, study: Study, load: Callable[[], Cifar10], progress: Progress = no_progress) -> Seen | str:
    """What there is to be seen of the test images of a study at `path`, or why they cannot be shown.

    load: gives the study's data; it may raise InputError.
    """
    if study.test is None:
        return "There are no pictures before the test."
    try:
        return pictures.look_again(folder_of(path), study, load(), progress)
    except InputError as error:
        return f"There are no pictures of the test images here. {error}."


def render(results: Sequence[Result]) -> str:
    """The page of `write_report`: on one result all about it; on several what they say together, and each folded."""
    sections = []
    for result in results:
        shown = {"overview": overview(result), "pictures": _pictures(result.seen, len(result.study.runs))}
        sections.append(section(result.study, _verdict(result.study)) | {"name": result.name} | shown)
    together = comparison(results, _of_test) if len(results) > 1 else None
    return template("report.html.j2").render(sections=sections, together=together, version=__version__)


def _verdict(study: Study) -> Verdict | None:
    """What the study says of the published result; None where there is none to speak of."""
    known = published_beside(study.recipe.name, study.data)
    if known is None or study.vary or study.test is None:
        return None
    try:
        return with_published(study, known)
    except InputError:  # the runs are not of one kind
        return None


def _pictures(seen: Seen | str, runs: int) -> dict[str, Any]:
    if isinstance(seen, str):
        return {"missing": seen}
    about = _about(seen.confused, runs)
    return {"missing": "", "note": about, "first": _shown(seen.first), "confused": _shown(seen.confused)}


def _of_test(seen: Seen, index: pictures.Whole) -> list[dict[str, Any]]:
    """Some of the test images as they are, whatever is predicted."""
    images, labels = seen.answers.test.images[index].numpy(), seen.answers.test.labels[index].tolist()
    return [
        {"uri": _png(image), "index": int(k), "true": CLASSES[label]}
        for image, k, label in zip(images, index, labels, strict=True)
    ]


def _about(confused: Pictures, runs: int) -> str:
    """Which images are shown as the most confused ones."""
    surest = "with what it takes them for and the probability that it gives to that"
    if runs == 1:
        return f"Of all test images that the network gets wrong, those that it is surest about, {surest}."
    least = int(confused.wrong_in.min(initial=runs))
    how_many = f"all {runs}" if least == runs else f"at least {least} of the {runs}"
    return f"Of all test images that {how_many} networks get wrong, those that the first one is surest about, {surest}."


def _shown(some: Pictures) -> list[dict[str, Any]]:
    return [
        {
            "uri": _png(some.images[k]),
            "index": int(some.index[k]),
            "true": CLASSES[some.true[k]],
            "predicted": CLASSES[some.predicted[k]],
            "right": bool(some.true[k] == some.predicted[k]),
            "confidence": _confidence(float(some.confidence[k])),
        }
        for k in range(len(some.index))
    ]


def _confidence(probability: float) -> str:
    return f">{percent(0.999, 1)}" if probability > 0.999 else percent(probability, 1)  # none is certain


def _png(image: npt.NDArray[np.uint8]) -> str:
    """A data URI of (3, 32, 32) pixels."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
