"""The pages of reports, comparisons, upgrades and audits: what they say, and with what marks."""

from collections.abc import Iterator
from itertools import groupby

from cifar_repro.report.audit_page import render_audit
from cifar_repro.report.upgrade_page import render as render_upgrade
from tests.audits.test_page import found
from tests.report.pages import VOID, Page, a_study, html, one_run, some_pictures
from tests.upgrades.test_answer import answered

DRAWN = ("line", "polyline", "polygon", "path", "circle", "img")
SAID = ("aria-label", "alt", "href")  # attributes that are read out, or lead somewhere
IN_ONE_LINE = ("tr", "g", "li", "p", "figcaption", "dd", "h1", "summary")


class Lines(Page):
    """A page as lines: each text after its element with its classes, each drawn mark by its classes alone.

    What belongs together is one line. Of a chart that is there twice, the one for narrow screens is left out.
    """

    def __init__(self, html: str):
        self.lines: list[str] = []
        self.names: list[str] = []  # of the open elements, with their classes
        self.line: tuple[int, list[str]] | None = None  # that is begun: how deep its element is, and its parts
        super().__init__(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        given = {name: value or "" for name, value in attrs}
        name = ".".join([tag, *given.get("class", "").split()])
        if tag not in VOID:
            self.names[len(self.open) - 1 :] = [name]
        if tag in IN_ONE_LINE and self.line is None:
            self.line = len(self.open), []
        said = [f"{key}: {given[key]}" for key in SAID if key in given and not given[key].startswith("data:")]
        if said or tag in DRAWN:
            self._add("; ".join([name, *said]))

    def handle_endtag(self, tag: str) -> None:
        if self.line is not None and self.line[0] == len(self.open):
            parts, self.line = self.line[1], None
            if parts:
                self._add(" | ".join(parts))
        super().handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if (words := " ".join(data.split())) and self.open[-1] not in ("style", "desc"):  # desc: as aria-label
            self._add(f"{self.names[len(self.open) - 1]}: {words}")

    def _add(self, line: str) -> None:
        if "div.narrow" not in self.names[: len(self.open)]:
            (self.lines if self.line is None else self.line[1]).append(line)

    def __str__(self) -> str:
        groups = [(line, len(list(same))) for line, same in groupby(self.lines)]
        return "\n".join(line if many == 1 else f"{line} ({many} times)" for line, many in groups)


def reports() -> Iterator[str]:
    """Of a run and of studies of three recipes, with and without pictures, and of results side by side."""
    of_parts = a_study(4) | {"vary": "dropout"}
    for what, studies, seen in (
        ("a run", [one_run()], some_pictures()),
        (
            "a run on other data",
            [one_run(official=False, kind="synthetic", fingerprints={"train": "a", "test": "b"})],
            "",
        ),
        ("six seeds of keras-cnn", [a_study(6, "keras-cnn")], ""),
        ("five seeds of pytorch-blitz", [a_study(5, "pytorch-blitz", 2)], some_pictures()),
        ("four seeds of one source", [of_parts], ""),
        ("two studies and a run", [a_study(6), a_study(5, first=6), one_run()], some_pictures()),
    ):
        yield f"# {what}\n{Lines(html(*studies, seen=seen or 'There are no pictures.'))}\n"


def upgrades_and_audits() -> Iterator[str]:
    """Upgrades with the same bits, with others, and that cannot be told; audits with findings of every kind."""
    for what, upgrade in (
        ("the same", answered()),
        ("slower", answered(mask=0.0, ratio=1.1)),
        ("other statistics", answered(mask=0.0, accuracies=[60.0, 60.3, 59.8])),
        ("it cannot be told", answered(mask=0.0, accuracies=[49.0, 51.5, 50.3])),
    ):
        yield f"# {what}\n{Lines(render_upgrade(upgrade))}\n"
    for ended, outcomes in (("finished", ("right", "unusual", "not seen")), ("failed", ("WRONG", "right", "unusual"))):
        yield f"# a program that {ended}\n{Lines(render_audit(found(*outcomes, ended=ended)))}\n"
