"""The code that ran is told apart to the byte, and by the commit where it lies in a checkout of its own."""

import subprocess
from pathlib import Path

import pytest

import cifar_repro
from cifar_repro.runs.code import Code, code_differences, code_here, code_in, code_label, code_labels

HERE = Code(version="0.1.0", commit="c" * 40, changed=False, source_sha256="a" * 64)
OTHER = Code(version="0.2.0", commit=None, changed=None, source_sha256="b" * 64)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    made = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return made.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a folder that is no checkout."""
    folder = tmp_path / "repository" / "package"
    (folder / "core").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "core" / "model.py").write_text("x = 1\n")
    (folder / "page.html.j2").write_text("page")
    return folder


def test_the_commit_is_that_of_the_checkout(package: Path) -> None:
    """It is HEAD; a changed or a new file of the package is a change, one beside the package is none.

    So it is where the user has git leave new files out of what it says.
    """
    repository = package.parent
    git(repository, "init", "--quiet")
    git(repository, "config", "status.showUntrackedFiles", "no")
    git(repository, "add", ".")
    assert code_in(package, "1").commit is None, "nothing is committed yet"
    git(repository, "commit", "--quiet", "--message", "first")
    head = git(repository, "rev-parse", "HEAD")
    (repository / "notes").write_text("beside")
    clean = code_in(package, "1")
    assert (clean.commit, clean.changed) == (head, False)
    (package / "new.py").write_text("")
    assert (code_in(package, "1").commit, code_in(package, "1").changed) == (head, True)
    (package / "new.py").unlink()
    (package / "core" / "model.py").write_text("x = 2\n")
    changed = code_in(package, "1")
    assert (changed.commit, changed.changed) == (head, True)
    assert changed.source_sha256 != clean.source_sha256


def test_a_repository_around_an_installed_package_is_not_its_own(package: Path) -> None:
    """A virtual environment that lies in somebody's checkout, ignored there, has no commit of theirs."""
    git(package.parent, "init", "--quiet")
    (package.parent / ".gitignore").write_text("package/\n")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "--quiet", "--message", "first")
    code = code_in(package, "1")
    assert (code.commit, code.changed) == (None, None)


def test_without_git_there_is_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of the sources is told all the same; and so it is where git does not come to an end."""
    before = code_in(package, "1")

    def hang(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 10)

    with monkeypatch.context() as slow:
        slow.setattr(subprocess, "run", hang)
        hanging = code_in(package, "1")
    monkeypatch.setenv("PATH", str(package))
    assert (
        code_in(package, "1")
        == hanging
        == before
        == Code(version="1", commit=None, changed=None, source_sha256=before.source_sha256)
    )


def test_a_hook_of_another_repository_changes_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables with which git tells its hooks of a repository, its work tree and its index are not heard."""
    git(package.parent, "init", "--quiet")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "--quiet", "--message", "first")
    before = code_in(package, "1")
    assert before.commit
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        with monkeypatch.context() as hook:
            hook.setenv(name, str(package / "none"))
            assert code_in(package, "1") == before, f"{name} is heard"


def test_the_digest_is_of_the_sources_alone(package: Path) -> None:
    """One byte, a name or a template changes it; what Python compiled does not, nor does where the package lies."""
    before = code_in(package, "1").source_sha256
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "model.cpython-311.pyc").write_text("compiled")
    package = package.rename(package.parent / "elsewhere")
    assert code_in(package, "2").source_sha256 == before
    (package / "core" / "model.py").rename(package / "core" / "modem.py")
    renamed = code_in(package, "1").source_sha256
    (package / "page.html.j2").write_text("pagE")
    assert len({before, renamed, code_in(package, "1").source_sha256}) == 3


def test_every_kind_of_file_of_this_package_is_a_source(package: Path) -> None:
    """Its pages, styles and published numbers make results as its modules do; py.typed, which is empty, does not."""
    here = Path(cifar_repro.__file__).parent
    files = [file for file in here.rglob("*") if file.is_file() and file.name[0] != "."]
    kinds = {file.suffix for file in files} - {".pyc", ".typed"}
    assert {".py", ".json", ".css"} <= kinds
    digest = code_in(package, "1").source_sha256
    for kind in sorted(kinds):
        (package / f"new{kind}").touch()
        before, digest = digest, code_in(package, "1").source_sha256
        assert digest != before, f"a new {kind} file is no other code"


def test_the_code_of_here_is_this_package() -> None:
    """Its version, and whether or not it is a checkout, the digest of its files."""
    assert code_here().version == cifar_repro.__version__
    assert code_here() == code_in(Path(cifar_repro.__file__).parent, cifar_repro.__version__)


def test_code_is_other_code_where_its_sources_are() -> None:
    """Another commit of the same sources is not, and what was not recorded is not called so; labels tell them apart."""
    assert code_differences([HERE, None], HERE) == code_differences([None], HERE) == code_differences([], HERE) == []
    assert code_differences([HERE], None) == []
    same = Code(version="0.1.0", commit="d" * 40, changed=True, source_sha256=HERE.source_sha256)
    assert code_differences([HERE], same) == []
    expected = "code: 0.1.0 (commit cccccccccc, sources aaaaaaaaaa) -> 0.2.0 (sources bbbbbbbbbb)"
    assert code_differences([HERE], OTHER) == [expected]
    both = f"code: {code_label([HERE, OTHER])} -> "
    assert code_differences([HERE, OTHER], HERE) == [both + code_label([HERE])], "it was gone on with by other code"
    assert code_differences([HERE, OTHER], OTHER) == [both + code_label([OTHER])], "it was begun by other code"
    assert code_label([None, same]) == ("not recorded, then 0.1.0 (commit dddddddddd with changes, sources aaaaaaaaaa)")


def test_runs_share_a_label_where_they_share_their_code() -> None:
    """Runs of the same sources have one; other sources, a resume by them, and code that is not known have their own."""
    same = Code(version="0.1.1", commit="d" * 40, changed=True, source_sha256=HERE.source_sha256)
    assert code_labels([[HERE], [same]]) == [code_label([HERE])]
    assert code_labels([[HERE], [OTHER], [HERE, OTHER], []]) == [
        *(code_label(code) for code in ([HERE], [OTHER], [HERE, OTHER])),
        "not recorded",
    ]
