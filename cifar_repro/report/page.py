"""The report: one HTML file, complete in itself, of one or more runs and studies."""

import base64
import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
from PIL import Image

from cifar_repro import __version__
from cifar_repro.core.checkpoint import load_weights, replacing
from cifar_repro.core.data import Cifar10
from cifar_repro.core.errors import InputError
from cifar_repro.core.evaluation import Evaluation
from cifar_repro.core.layouts import CLASSES
from cifar_repro.core.model import build_network
from cifar_repro.core.progress import Progress, no_progress
from cifar_repro.report.charts import number, percent, published_share
from cifar_repro.report.parts import section
from cifar_repro.report.pictures import Pictures, Seen, look, look_again
from cifar_repro.runs.folders import folder_of
from cifar_repro.runs.run import BEST, Run
from cifar_repro.studies.results import of_run
from cifar_repro.studies.study_file import Study
from cifar_repro.verdicts.published import published_beside
from cifar_repro.verdicts.verdict import Verdict
from cifar_repro.verdicts.with_published import with_published

NAME = "report.html"  # in the folder of a run


def write_report(path: Path, studies: Sequence[Study], seen: Sequence[Seen | str]) -> None:
    """Writes the report on these studies, in the form of study.json; a run is a study of one.

    seen: what `see` gives of each.
    """
    page = render(studies, seen)
    with replacing(path) as file:
        file.write(page.encode())


def write_run_report(run: Run, result: Evaluation) -> None:
    """Writes the report of a run that has just been tested into its folder."""
    network = build_network(run.recipe)
    load_weights(run.folder / BEST, network)
    correct = (result.predicted == run.data.test.labels).numpy()[np.newaxis]
    write_report(run.folder / NAME, [of_run(run.record)], [look(network, run.data.test, correct, run.recipe)])


def see(path: Path, study: Study, load: Callable[[], Cifar10], progress: Progress = no_progress) -> Seen | str:
    """The first test images and the most confused ones of a study at `path`, or why they cannot be shown.

    load: gives the study's data; it may raise InputError.
    """
    if study.test is None:
        return "There are no pictures before the test."
    try:
        return look_again(folder_of(path), study, load(), progress)
    except InputError as error:
        return f"There are no pictures of the test images here. {error}."


def render(studies: Sequence[Study], seen: Sequence[Seen | str]) -> str:
    """The page of `write_report`."""
    sections = [
        section(study, _verdict(study)) | {"pictures": _pictures(pictures, len(study.runs))}
        for study, pictures in zip(studies, seen, strict=True)
    ]
    return _template().render(sections=sections, version=__version__)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cifar_repro", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": number, "published_share": published_share}
    return environment.get_template("report.html.j2")


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
    first, confused = seen
    return {"missing": "", "note": _about(confused, runs), "first": _shown(first), "confused": _shown(confused)}


def _about(confused: Pictures, runs: int) -> str:
    """Which images are shown as the most confused ones."""
    surest = "with what it takes them for and the probability that it gives to that"
    if runs == 1:
        return f"Of all test images that the network gets wrong, those that it is surest about, {surest}."
    least = int(confused.wrong_in.min(initial=runs))
    how_many = f"all {runs}" if least == runs else f"at least {least} of the {runs}"
    return f"Of all test images that {how_many} networks get wrong, those that the first one is surest about, {surest}."


def _shown(pictures: Pictures) -> list[dict[str, Any]]:
    return [
        {
            "uri": _png(pictures.images[k]),
            "index": int(pictures.index[k]),
            "true": CLASSES[pictures.true[k]],
            "predicted": CLASSES[pictures.predicted[k]],
            "right": bool(pictures.true[k] == pictures.predicted[k]),
            "confidence": _confidence(float(pictures.confidence[k])),
        }
        for k in range(len(pictures.index))
    ]


def _confidence(probability: float) -> str:
    return f">{percent(0.999, 1)}" if probability > 0.999 else percent(probability, 1)  # none is certain


def _png(image: npt.NDArray[np.uint8]) -> str:
    """A data URI of (3, 32, 32) pixels."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
