"""`cifar-repro report` makes the page that `run` makes, with the pictures where the data is there."""

import json
import shutil
from pathlib import Path

import pytest

from cifar_repro.cli import main
from tests.make_data import tiny_set, write_binary_folder


def test_report_of_a_run_is_the_one_in_its_folder(finished: Path, tmp_path: Path) -> None:
    """`report` looks at data and weights again and writes the very page that `run` wrote."""
    assert main(["report", str(finished), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text() == (finished / "report.html").read_text()


def test_report_without_the_data_is_made_and_says_so(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data that is not the run's gives a report without pictures, which the page and the command tell."""
    other = write_binary_folder(tmp_path / "other", tiny_set(per_batch=20, test=40, seed=1))
    page = tmp_path / "page.html"
    assert main(["report", str(finished), str(finished), "--data", str(other), "-o", str(page)]) == 0
    told = capsys.readouterr().out
    assert told.count("There are no pictures of the test images here.") == 1, "once for a folder"
    assert f"The report is in {page}" in told
    again, copy = tmp_path / "again.html", shutil.copytree(finished, tmp_path / "copy")
    assert main(["report", str(finished), str(copy), "--data", str(other), "-o", str(again), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["report"] == str(again)
    assert list(printed["without_pictures"]) == [str(finished), str(copy)]
    by_record, records = tmp_path / "by record.html", [str(folder / "record.json") for folder in (finished, copy)]
    assert main(["report", *records, "--data", str(other), "-o", str(by_record)]) == 0
    assert by_record.read_text() == again.read_text(), "a record stands for its folder, and has its name"
    assert "There are no pictures of the test images here." in page.read_text()
    assert "2 results compared" in page.read_text()
