"""What a folder holds, and which file a path names."""

from dataclasses import fields
from pathlib import Path

import pytest

from cifar_repro.core.errors import InputError
from cifar_repro.core.recipe import Seeds
from cifar_repro.runs.folders import A_RUN, A_STUDY, SOURCES, STUDIES, check_only, folder_of, results_file


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        (A_RUN, "record.json"),
        (A_STUDY, "study.json"),
        (A_STUDY, "seed-7/record.json"),
        (STUDIES, "order/study.json"),
        (STUDIES, "order/seed-7/record.json"),
    ],
)
def test_a_folder_is_kept_for_what_it_holds(tmp_path: Path, kind: str, file: str) -> None:
    """A single file tells the kind; more of that kind may be put there, and nothing of another."""
    check_only(kind, tmp_path / "new")
    touch(tmp_path / file)
    check_only(kind, tmp_path)
    for other in {A_RUN, A_STUDY, STUDIES} - {kind}:
        with pytest.raises(InputError, match=kind):
            check_only(other, tmp_path)


def test_what_is_of_no_kind_hinders_nothing(tmp_path: Path) -> None:
    """Notes, folders with a seed's or a source's name and nothing of a run in them, and folders that are not there."""
    for file in ("notes.txt", "seed-1/notes.txt", "init/notes.txt"):
        touch(tmp_path / file)
    for kind in (A_RUN, A_STUDY, STUDIES):
        check_only(kind, tmp_path)
        check_only(kind, tmp_path / "gone")


def test_a_file_is_read_as_that_file_and_a_folder_as_its_study(tmp_path: Path) -> None:
    """Where there are both files, each is found by its name."""
    record, study = touch(tmp_path / "record.json"), touch(tmp_path / "study.json")
    assert [results_file(path) for path in (record, study, tmp_path)] == [record, study, study]
    study.unlink()
    assert results_file(tmp_path) == record
    assert [folder_of(path) for path in (record, tmp_path, study)] == [tmp_path, tmp_path, study]


def test_the_sources_of_randomness_are_the_four_seeds() -> None:
    """A type needs their names spelt out; they are those of `Seeds`, in its order."""
    assert tuple(f.name for f in fields(Seeds)) == SOURCES
