"""The command line meets who mistypes, who asks for nothing, and who has a shell complete what they type."""

import errno
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from cifar_repro.cli import main, make_parser
from cifar_repro.commands import COMMANDS, data


def ended(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[Any, str, str]:
    """Exit status, stdout and stderr."""
    try:
        status: Any = main(arguments)
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


def test_who_asks_for_nothing_is_shown_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command, the help is printed, with every command, and nothing is wrong."""
    status, out, err = ended([], capsys)
    assert (status, err) == (0, "")
    assert out == ended(["--help"], capsys)[1]
    assert set(COMMANDS) <= set(out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "cifar-repro: argument COMMAND: invalid choice: 'rnu' (did you mean run?) (choose from "),
        (["run", "--epcohs", "3"], "cifar-repro run: unrecognized arguments: --epcohs (did you mean --epochs?) 3 (see"),
        (
            ["trace", "--out", "x", "--learn-rate=1"],
            "trace: unrecognized arguments: --learn-rate=1 (did you mean --lea",
        ),
        (["run", "--dta=/a/folder/far/away"], "arguments: --dta=/a/folder/far/away (did you mean --data?)"),
        (["study", "--out", "x", "--vary", "splt"], "argument --vary: invalid choice: 'splt' (did you mean split?)"),
        (["run", "--recipe", "udacty"], "recipe: 'udacty' is not known (did you mean udacity?): give one of"),
        (["--versoin"], "cifar-repro: unrecognized arguments: --versoin (did you mean --version?)"),
    ],
)
def test_a_misspelt_word_is_told_what_it_may_mean(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands, options, choices and recipes: status 2 and a line with the nearest that there is."""
    status, out, err = ended(arguments, capsys)
    assert (status, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("arguments", [["fly"], ["run", "--wings"], ["run", "stray"], ["run", "--recipe", "mnist"]])
def test_a_word_that_is_like_none_gets_no_guess(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody can have meant is not proposed."""
    status, _, err = ended(arguments, capsys)
    assert status == 2
    assert "did you mean" not in err


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room, or give another place"),
        (errno.EDQUOT, "make room, or give another place"),
        (errno.EACCES, "give a place that you may use"),
        (errno.EPERM, "give a place that you may use"),
        (errno.EROFS, "give a place that you may use"),
        (errno.ENAMETOOLONG, "give another path"),
    ],
    ids=errno.errorcode.get,
)
def test_what_the_system_refuses_is_told_with_what_helps_against_it(
    number: int, remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2 and one line: the path, what the system says, and what to do about that; or all that is known."""

    def refuse(*why: object) -> None:
        def load(*given: object) -> None:
            raise OSError(*why)

        monkeypatch.setattr(data, "load", load)

    refuse(number, "as the system says", "there")
    assert ended(["data"], capsys) == (2, "", f"cifar-repro: there: as the system says: {remedy}\n")
    refuse(number, "as the system says")
    assert ended(["data"], capsys) == (2, "", f"cifar-repro: as the system says: {remedy}\n")
    refuse("a library's words")
    assert ended(["data"], capsys) == (2, "", "cifar-repro: a library's words: give another path\n")


def test_the_help_explains_the_recipe_once(capsys: pytest.CaptureFixture[str]) -> None:
    """`run` has a line for each of its numbers; `study` and `trace` take them, too, and name them below their own."""
    explained = ended(["run", "--help"], capsys)[1]
    assert "passes over the training images" in explained
    for command in ("study", "trace"):
        shown = ended([command, "--help"], capsys)[1]
        below = " ".join(shown.partition("\nrecipe:\n")[2].split())
        assert "'cifar-repro run --help' explains them: --batch-size, --epochs, --learning-rate, " in below
        assert "passes over the training images" not in shown
        assert "[--epochs" not in shown
        assert len(shown.splitlines()) < 65
        assert make_parser().parse_args([command, "--out", "x", "--epochs", "7"]).epochs == 7


def test_without_shtab_it_is_said_how_to_have_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Completion needs a package that nothing else does: a line, and status 2."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    status, out, err = ended(["--print-completion", "bash"], capsys)
    assert (status, out) == (2, "")
    assert "pip install 'cifar-repro[completion]'" in err


def test_the_completion_is_of_every_option(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """shtab is given the parser with files where files are wanted, and with nothing that a help leaves out.

    What a help says afterwards, in the same process, is what it said before.
    """
    asked: list[Any] = []

    def complete(parser: Any, shell: str) -> str:
        asked.append((parser, shell))
        return "the script"

    before = ended(["study", "--help"], capsys)
    monkeypatch.setitem(sys.modules, "shtab", SimpleNamespace(complete=complete, FILE="files"))
    assert ended(["--print-completion", "zsh"], capsys) == (0, "the script\n", "")
    ((parser, shell),) = asked
    assert shell == "zsh"
    (commands,) = (action for action in parser._actions if isinstance(action.choices, dict))
    study = {action.dest: action for action in commands.choices["study"]._actions}
    assert study["out"].complete == "files"
    assert "==SUPPRESS==" not in {action.help for action in study.values()}
    assert ended(["study", "--help"], capsys) == before


def test_a_shell_completes(capsys: pytest.CaptureFixture[str]) -> None:
    """bash is told by the script of shtab itself what a command, and what an option of a recipe, begins with."""
    pytest.importorskip("shtab", reason="no shtab: pip install 'cifar-repro[completion]'")
    script = ended(["--print-completion", "bash"], capsys)[1]
    for words, expected in (("tr", "trace"), ("study --learning-rate-", "--learning-rate-decay")):
        count = len(words.split())
        ask = f"COMP_WORDS=(cifar-repro {words}); COMP_CWORD={count}; $f; echo ${{COMPREPLY[@]}}"
        find = "f=$(complete -p cifar-repro | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
        made = subprocess.run(["bash", "-c", f"{script}\n{find}\n{ask}"], capture_output=True, text=True, check=True)
        assert made.stdout.split() == [expected]
