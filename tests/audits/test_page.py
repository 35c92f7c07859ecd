"""The page of an audit says what its findings say, of findings that were typed in."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from cifar_repro.audits import audit
from cifar_repro.audits.audit import Audit, Ended
from cifar_repro.audits.judge.finding import Finding, Outcome
from cifar_repro.audits.text import answer, text
from cifar_repro.cli import main
from cifar_repro.commands import audit as command
from cifar_repro.core import data, layouts
from cifar_repro.report.audit_page import render_audit
from tests.make_data import tiny_set, write_binary_folder

HEADINGS = ["What does not hold", "What holds, but is unusual", "What holds", "What was not seen"]


def found(*outcomes: Outcome, ended: Ended = "finished", epochs: int = 1) -> Audit:
    """Of a program with findings of these outcomes, the first in its line 1."""
    return Audit(
        file="program.py",
        data="drawn images",
        train_images=600,
        test_images=500,
        seconds=9.0,
        ended=ended,
        error="" if ended == "finished" else "its error",
        epochs=epochs,
        findings=[
            Finding(outcome=outcome, says="it is so", at=("program.py", line), rule=f"rule {line}")
            for line, outcome in enumerate(outcomes, start=1)
        ],
        notes=[],
    )


def test_findings_stand_below_what_they_are_the_worst_first_with_their_places() -> None:
    """Each where in the program it is, but for what is right; there is no heading without findings."""
    made = render_audit(found("not seen", "right", "unusual", "WRONG"))
    assert re.findall("<h2>(What.*)</h2>", made) == HEADINGS
    shown = re.findall(r"<h3>Rule (\d)</h3><p>It is so\.</p>(?:<p class=\"where\">(.*?)</p>)?", made)
    assert shown == [("4", "program.py, line 4"), ("3", "program.py, line 3"), ("2", ""), ("1", "program.py, line 1")]
    assert re.findall("<h2>(What.*)</h2>", render_audit(found("right"))) == ["What holds"]


def test_a_finding_is_told_in_a_sentence_whose_names_stay_as_they_are() -> None:
    """It begins with a capital, but where that would change a name of the code; no other letter changes."""
    said = {
        "the SGD of Adam's has lr 0.01": "The SGD of Adam&#39;s has lr 0.01.",
        "cross_entropy gets the output of LogSoftmax": "cross_entropy gets the output of LogSoftmax.",
    }
    findings = [Finding(outcome="right", says=each, at=("program.py", 1), rule="rule") for each in said]
    made = render_audit(replace(found(), findings=findings, notes=list(said)))
    assert re.findall("</h3><p>(.*?)</p>", made) == re.findall("<li>(.*?)</li>", made)[-2:] == list(said.values())


def test_the_page_says_on_what_the_program_was_watched_and_for_how_long() -> None:
    """How many images of either kind, of which data, and how many epochs."""
    on = "on 600 training images and 500 test images (drawn images), and watched for"
    for epochs, watched in ((0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs")):
        assert f"{on} {watched} of training." in render_audit(found("right", epochs=epochs))


def test_a_terminal_is_told_the_worst_first_and_how_it_ended() -> None:
    """Each where in the program it is, but for what is right; of a program of which nothing was seen, one line."""
    made = text(found("not seen", "right", "unusual", "WRONG", ended="stopped")).splitlines()
    assert made == [
        "program.py, watched on 600 training images and 500 test images (drawn images), 9 s",
        "",
        "WRONG     rule 4: it is so (program.py, line 4)",
        "unusual   rule 3: it is so (program.py, line 3)",
        "right     rule 2: it is so",
        "not seen  rule 1: it is so (program.py, line 1)",
        "stopped   its error. It is judged up to there.",
        "",
        "1 WRONG, 1 unusual, 1 right, 1 not seen",
    ]
    nothing = text(found("not seen", "not seen")).splitlines()
    assert nothing[2:] == ["not seen  none of 2 rules could be judged", "", "2 not seen"]


def test_what_is_unusual_has_not_failed_and_what_was_not_seen_is_skipped() -> None:
    """Of a check for each rule; that the program failed is one more."""
    made = answer(found("not seen", "right", "unusual", "WRONG", ended="failed"))
    assert made.headline == "1 WRONG, 1 unusual, 1 right, 1 not seen"
    assert [check.outcome for check in made.checks] == ["skipped", "passed", "passed", "failed", "error"]
    assert made.checks[2].message == "unusual: it is so (program.py, line 3)"


@pytest.mark.parametrize(
    ("outcomes", "ended", "epochs", "status", "says"),
    [
        (["right", "unusual"], "finished", 1, 0, "Nothing is wrong, as far as it was seen"),
        (["right", "WRONG"], "finished", 1, 1, "One thing is wrong"),
        (["WRONG", "WRONG"], "failed", 1, 1, "2 things are wrong"),
        (["right"], "failed", 1, 3, "It cannot be told: the program did not get far enough"),
        (["not seen"], "finished", 0, 3, "It cannot be told: the program did not get far enough"),
        (["right"], "stopped", 1, 0, "Nothing is wrong, as far as it was seen"),
    ],
)
def test_the_page_says_in_short_what_the_exit_status_says(
    outcomes: list[Outcome],
    ended: Ended,
    epochs: int,
    status: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is wrong is, however the program ended; one that was stopped is judged, one that failed is undecided."""
    monkeypatch.setattr(audit, "audit", lambda *given, **more: found(*outcomes, ended=ended, epochs=epochs))
    monkeypatch.setattr(command, "_data", lambda *given: None)
    program, page = tmp_path / "program.py", tmp_path / "page.html"
    program.touch()
    assert main(["audit", str(program), "--html", str(page)]) == status
    made = page.read_text(encoding="utf-8")
    assert re.findall('<p class="word .*?">(.*)</p>', made) == [says]
    told = {"failed": "The program failed, and", "stopped": "The program was stopped, and"}
    assert [words for words in told.values() if words in made] == ([told[ended]] if ended in told else [])


def test_a_page_that_cannot_be_written_is_refused_before_the_program_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is there stays as it is, and where there is no folder none is made."""
    monkeypatch.setattr(audit, "audit", lambda *given, **more: pytest.fail("it was run"))
    monkeypatch.setattr(command, "_data", lambda *given: None)
    program, page, nowhere = (tmp_path / name for name in ("program.py", "page.html", "nowhere/page.html"))
    program.touch()
    page.write_text("mine")
    for given, why in ((page, f"{page} is already there"), (nowhere, f"{nowhere.parent} is no folder")):
        assert main(["audit", str(program), "--html", str(given)]) == 2
        assert why in capsys.readouterr().err
    assert page.read_text() == "mine"
    assert not nowhere.parent.exists()


@pytest.mark.parametrize(
    ("variable", "folder", "options", "kind"),
    [
        ("named", None, [], "binary"),
        (None, "data", [], "binary"),
        (None, None, [], "synthetic"),
        ("named", "data", ["--data", "synthetic"], "synthetic"),
        (None, "other", ["--data", "other"], "binary"),
    ],
)
def test_an_audit_takes_the_images_that_are_here_and_downloads_none(
    variable: str | None,
    folder: str | None,
    options: list[str],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that --data names, else of $CIFAR_REPRO_DATA or ./data; drawn ones where there are none or they are meant.

    The program is not run here.
    """
    taken: list[str] = []

    def watch(file: Path, images: data.Cifar10, *given: object, **more: object) -> Audit:
        taken.append(images.kind)
        return found("right")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIFAR_REPRO_DATA", raising=False)
    if variable is not None:
        monkeypatch.setenv("CIFAR_REPRO_DATA", variable)
    for name in filter(None, (variable, folder)):
        write_binary_folder(Path(name), tiny_set())
    few = data.synthetic(10, 10)
    monkeypatch.setattr(data, "synthetic", lambda *numbers: few)
    monkeypatch.setattr(layouts, "download", lambda *given: pytest.fail("it was downloaded"))
    monkeypatch.setattr(audit, "audit", watch)
    Path("program.py").touch()
    assert main(["audit", "program.py", "--images", "200", *options]) == 0
    assert taken == [kind]
