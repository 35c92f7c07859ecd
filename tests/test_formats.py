"""What is read from a file is checked against a typed class, and the first misfit is named with its place."""

from dataclasses import dataclass

import pytest

from cifar_repro.formats import Form, Whole, convert, decode, encode


@dataclass(frozen=True)
class Seeds:
    """A class of the core: its defaults are for its callers."""

    split: int = 0


class Best(Form, frozen=True, kw_only=True):
    epoch: Whole


class Run(Form, frozen=True, kw_only=True):
    loss: float
    best: Best | None
    official: bool
    seeds: Seeds


class Study(Form, frozen=True, kw_only=True, omit_defaults=True):
    runs: list[Run]
    counts: dict[str, Whole]
    stopped: str | None = None


RUN = {"loss": 1.5, "best": {"epoch": 1}, "official": True, "seeds": {"split": 3}}


@pytest.mark.parametrize(
    "run", [{}, {"loss": 1}, {"loss": -(10**300)}, {"best": None}, {"official": False}, {"more": "of it"}]
)
def test_what_fits_is_read(run: dict[str, object]) -> None:
    """A whole number is a number, and entries that the class does not know are no misfit."""
    read = convert({"runs": [RUN | run, RUN], "counts": {}}, Study, "study")
    assert read.runs[0].loss == float({**RUN, **run}["loss"])  # type: ignore[arg-type]
    assert read.runs[1] == Run(loss=1.5, best=Best(epoch=1), official=True, seeds=Seeds(3))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("loss", True, "runs[1].loss is True"),
        ("loss", 10**400, "runs[1].loss is 10000"),
        ("loss", "1.5", "runs[1].loss is '1.5': Expected `float`, got `str`"),
        ("best", {"epoch": False}, "runs[1].best.epoch is False"),
        ("best", {"epoch": 2**63}, "runs[1].best.epoch is 9223372036854775808"),
        ("best", {"epoch": 1.0}, "runs[1].best.epoch is 1.0"),
        ("best", {}, "runs[1].best is {}: Object missing required field `epoch`"),
        ("best", [], "runs[1].best is []"),
        ("official", 1, "runs[1].official is 1"),
        ("official", None, "runs[1].official is None"),
        ("seeds", {}, "runs[1].seeds.split is missing"),
        ("seeds", {"split": "3"}, "runs[1].seeds.split is '3'"),
    ],
)
def test_what_does_not_fit_is_named(name: str, value: object, said: str) -> None:
    """A bool is no number and no number a bool; what 64 bits cannot hold is none either; no default fills a gap."""
    with pytest.raises(ValueError, match=r"^study\.") as caught:
        convert({"runs": [RUN, RUN | {name: value}], "counts": {}}, Study, "study")
    assert str(caught.value).startswith(f"study.{said}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "study is []"),
        ({"counts": {}}, "study is {'counts': {}}: Object missing required field `runs`"),
        ({"runs": {}, "counts": {}}, "study.runs is {}"),
        ({"runs": [[]], "counts": {}}, "study.runs[0] is []"),
        ({"runs": [], "counts": {"cat": "many"}}, "study.counts[...] is {'cat': 'many'}: Expected `int`, got `str`"),
        ({"runs": [], "counts": {}, "stopped": 1}, "study.stopped is 1"),
    ],
)
def test_an_object_is_no_list(value: object, said: str) -> None:
    """Nor is a list an object; of a mapping the whole of it is shown."""
    with pytest.raises(ValueError, match=r"^study") as caught:
        convert(value, Study, "study")
    assert str(caught.value).startswith(said)


class Answer(Form, frozen=True, kw_only=True):
    schema: Whole = 1
    runs: list[Run]
    notes: list[str] = []  # noqa: RUF012 - msgspec copies it


def test_what_is_always_written_must_be_there() -> None:
    """Though the class has a default for it: that is for who makes one."""
    whole = {"schema": 1, "runs": [], "notes": []}
    assert convert(whole, Answer, "answer") == Answer(runs=[])
    for name in ("schema", "notes"):
        with pytest.raises(ValueError, match=rf"^answer\.{name} is missing$"):
            convert({key: value for key, value in whole.items() if key != name}, Answer, "answer")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_file_holds_finite_numbers_alone(number: str) -> None:
    """What could not be written again is refused wherever it stands; other numbers are read exactly."""
    run = '{"runs": [{"loss": %s, "best": null, "official": true, "seeds": {"split": 0}}], "counts": {}}'
    assert decode(run % "0.1", Study, "study").runs[0].loss == 0.1
    with pytest.raises(ValueError, match=f"^{number} is no finite number"):
        decode(run % number, Study, "study")


def test_what_an_earlier_version_wrote_is_upgraded_before_it_is_checked() -> None:
    """The upgrade is given what is there, and what it gives is read."""
    read = decode('{"runs": []}', Study, "study", lambda raw: {**raw, "counts": {"cat": 1}})
    assert read == Study(runs=[], counts={"cat": 1})


def test_what_is_written_is_read_again_to_the_last_bit() -> None:
    """Floats have all their digits; an entry that is left out where it has its default is not asked for."""
    study = Study(runs=[convert(RUN | {"loss": 0.1 + 0.2}, Run, "run")], counts={"cat": 2**62})
    assert b"stopped" not in encode(study)
    assert decode(encode(study), Study, "study") == study
