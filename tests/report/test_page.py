"""The page stands alone, whatever is in a record, and is made only of records that are whole."""

import contextlib
import copy
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds
from cifar_repro.report.comparison import Result
from cifar_repro.report.page import render
from cifar_repro.runs.record import plain_with_changes
from cifar_repro.studies.results import read_results
from tests.report.pages import Page, a_study, html, one_run, page, some_pictures, whole

HOSTILE = """"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"""


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, no frame, no style from elsewhere; what it refers to is in it."""
    source = html(a_study(), one_run(), seen=some_pictures())
    made = Page(source)
    assert made.count("img") == 12
    assert not {"script", "iframe", "object", "embed", "base"} & {tag for tag, _ in made.tags}
    for name in ("src", "href", "action", "data", "srcset", "poster", "xlink:href"):
        for value in made.values(name):
            inside = value.startswith("#") and value[1:] in made.values("id")
            assert inside or value.startswith("data:"), f"{name}={value}"
    assert not re.search(r"url\(|@import|https?:", source)
    assert not [name for name in (name for _, names in made.tags for name in names) if name.startswith("on")]


def test_the_page_can_be_read_by_all() -> None:
    """Language, title and viewport; each figure and picture has words; tables have headers; ids are unique."""
    made = page(a_study(), one_run(), seen=some_pictures())
    assert ("html", "lang", "en") in made.attributes
    assert made.count("title") > 1
    assert "width=device-width, initial-scale=1" in made.values("content")
    drawings = [names for tag, names in made.tags if tag == "svg"]
    charts = [names for names in drawings if "aria-hidden" not in names]  # the others are signs beside names
    # Of each: the curves for wide and narrow places, two spreads, and classes; of both: curves, difference and classes.
    assert len(charts) == 2 * 5 + 4
    assert all("aria-label" in names and "role" in names for names in charts)
    assert all(len(value) > 20 for value in made.values("alt"))
    assert len(made.values("alt")) == made.count("img")
    assert all("scope" in names for tag, names in made.tags if tag == "th")
    assert made.count("thead") == made.count("table")
    ids = made.values("id")
    assert len(ids) == len(set(ids)) > 2
    assert made.count("h1") == 1


def with_texts(value: Any, text: str) -> Any:
    """The value with every free text in it replaced; the names of classes, too, but not what a reader checks."""
    kept = {"recipe", "seeds", "fingerprints", "weights_sha256", "correct_bits", "device", "memory_format", "vary"}
    if isinstance(value, dict):
        return {name: each if name in kept else with_texts(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [with_texts(each, text) for each in value]
    return text if isinstance(value, str) else value


def test_no_text_of_a_record_becomes_part_of_the_page() -> None:
    """Scripts, quotes and template code in any free text give the same elements and attributes as plain words."""
    stopped = {"epoch": 2, "phase": "training", "step": 1, "loss": "nan"}
    study = {**a_study(), "diverged": [{"folder": "seed-3", "seeds": asdict(Seeds()), "stopped": stopped}]}
    plain, hostile = (page(with_texts(study, text), seen=text) for text in ("word", HOSTILE))
    assert hostile.tags == plain.tags
    assert hostile.text.count("<script>alert(1)</script>") > 20
    assert "{{ 7 * 7 }}" in hostile.text


# ---- what is read ---------------------------------------------------------------------------------------------------


def all_keys(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all entries, of lists only the first."""
    if isinstance(value, dict):
        return [found for name in value for found in ((*path, name), *all_keys(value[name], (*path, name)))]
    return all_keys(value[0], (*path, 0)) if isinstance(value, list) and value else []


def test_a_study_that_lacks_anything_is_refused_or_drawn(tmp_path: Path) -> None:
    """Whatever entry of a study.json is missing or of another type, it is refused as InputError, or can be drawn."""
    full, drawn = plain_with_changes(whole(a_study(2, epochs=1))), 0
    keys = all_keys(full)
    for path in keys:
        for instead in ("missing", [7]):
            study = copy.deepcopy(full)
            at: Any = study
            for name in path[:-1]:
                at = at[name]
            if instead == "missing":
                del at[path[-1]]
            else:
                at[path[-1]] = instead
            (tmp_path / "study.json").write_text(json.dumps(study))
            with contextlib.suppress(InputError):
                read = read_results(tmp_path)
                drawn += 1
                try:
                    render([Result("A", read, "No pictures.")])
                except Exception as error:
                    pytest.fail(f"{path} {instead}: {type(error).__name__}: {error}")
    assert 0 < drawn < len(keys) / 4
