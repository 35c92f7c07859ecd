"""The report in a real browser: it loads nothing, complains of nothing, and fits a phone. Needs Chromium."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.report.pages import a_study, html, one_run, some_pictures

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium in PATH")

# A window is at least 500 pixels wide, a frame can be as narrow as a phone; what it tells becomes the window's title.
PHONE = """<title></title><iframe src="page.html" style="width: 390px; height: 800px; border: 0"></iframe>
<script>addEventListener("message", event => { document.title = event.data; });</script>"""

# Runs in the page once all is loaded, and tells what it found.
PROBE = """<script>
addEventListener("load", () => {
  const sizes = selector => [...document.querySelectorAll(selector)]
    .map(e => e.getBoundingClientRect().width).filter(width => width > 0);
  const style = getComputedStyle(document.body);
  const seen = selector => [...document.querySelectorAll(selector)]
    .filter(e => getComputedStyle(e).visibility == "visible").map(e => e.textContent);
  // What lies under a pointer at the third epoch of the first chart takes the focus, as it does when it is tapped.
  const hit = [...document.querySelectorAll(".hit")].filter(e => e.getBoundingClientRect().width > 0)[2];
  hit.scrollIntoView({block: "center"});
  const box = hit.getBoundingClientRect();
  const under = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  under.closest("[tabindex]").focus();
  parent.postMessage(JSON.stringify({
    loaded: performance.getEntriesByType("resource").map(e => e.name).filter(name => !name.startsWith("data:")),
    width: document.documentElement.scrollWidth, window: innerWidth, charts: sizes("svg[role]"),
    pictures: [...document.images].map(e => e.complete && e.naturalWidth),
    cut: [...document.querySelectorAll("h1, h2, h3, p, a, caption, figcaption, summary, dd, svg[role], .side td")]
      .filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.textContent),
    letters: [...document.querySelectorAll("svg text")].filter(e => e.getBoundingClientRect().width > 0)
      .map(e => parseFloat(getComputedStyle(e).fontSize) * e.ownerSVGElement.getScreenCTM().a),
    axes: seen(".axis-name").length, read: seen(".reading text"),
    paper: style.backgroundColor, ink: style.color,
  }), "*");
});
</script></body>"""


def looked_at(page: str, folder: Path, *flags: str) -> tuple[dict[str, Any], list[str]]:
    """What the probe finds in the page, as wide as a phone, and what stands on the console."""
    (folder / "page.html").write_text(page.replace("</body>", PROBE))
    (folder / "phone.html").write_text(PHONE)
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=10000"]
    command += ["--disable-background-networking", "--no-first-run", f"--user-data-dir={folder / 'profile'}"]
    command += ["--enable-logging=stderr", *flags, (folder / "phone.html").as_uri()]
    result = subprocess.run(command, text=True, capture_output=True, check=True)
    match = re.search("<title>({.*?)</title>", result.stdout)
    assert match, result.stderr
    return json.loads(unescape(match[1])), [line for line in result.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page() -> str:
    return html(a_study(), seen=some_pictures())


@pytest.fixture(scope="module")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str]]:
    """The page as it is."""
    return looked_at(page, tmp_path_factory.mktemp("page"))


def test_the_page_loads_nothing_complains_of_nothing_and_fits_a_phone(seen: tuple[dict[str, Any], list[str]]) -> None:
    """No request, an empty console, no sideways scrolling at 390 pixels; charts are wide, pictures are decoded."""
    found, console = seen
    assert found["loaded"] == []
    assert console == []
    assert found["width"] <= found["window"] == 390
    assert len(found["charts"]) == 4
    assert found["cut"] == []
    assert min(found["charts"]) > 300
    assert found["pictures"] == [32] * 6
    assert min(found["letters"]) > 10.5


def test_a_comparison_is_not_cut_on_a_phone(tmp_path: Path) -> None:
    """Three results, all unfolded: nothing but wide tables of numbers reaches beyond 390 pixels."""
    page = html(a_study(), a_study(recipe="pytorch-blitz", epochs=2), one_run(), seen=some_pictures())
    found, console = looked_at(page.replace("<details", "<details open"), tmp_path)
    assert console == []
    assert found["width"] <= found["window"] == 390
    assert found["cut"] == []
    assert min(found["charts"]) > 300
    assert min(found["letters"]) > 10.5


def test_what_is_pointed_at_is_read_in_place_of_the_axis_name(
    page: str, seen: tuple[dict[str, Any], list[str]], tmp_path: Path
) -> None:
    """Of all readings of all charts only that of the epoch under the pointer shows, and hides the name of its axis.

    No pointer can be moved here, so the focus, which the probe gives to what lies under one, stands for it.
    """
    resting, _ = seen
    assert resting["read"] == []
    assert ":hover" in page
    found, _ = looked_at(page.replace(":hover", ":focus"), tmp_path)
    first, second, third, fourth = found["read"]
    assert first.startswith("epoch 3: training mean ")
    assert second.startswith("3 seeds ")
    assert third.startswith("validation mean ")
    assert fourth.startswith("3 seeds ")
    assert found["axes"] == resting["axes"] - 1
    assert found["width"] <= found["window"]


def test_the_page_is_dark_where_the_reader_wants_it(page: str, tmp_path: Path) -> None:
    """With a preference for dark, paper and ink change places; and the checks above can fail."""
    spoiled = '<img src="https://127.0.0.1:9/x.png"><svg><circle r="x"/></svg><p style="width: 500px">wide</p></body>'
    found, console = looked_at(page.replace("</body>", spoiled), tmp_path, "--blink-settings=preferredColorScheme=0")
    paper, ink = (sum(map(int, re.findall(r"\d+", found[name])[:3])) for name in ("paper", "ink"))
    assert paper < 150 < 600 < ink
    assert found["loaded"] == ["https://127.0.0.1:9/x.png"]
    assert found["width"] > found["window"]
    assert len(console) >= 1
