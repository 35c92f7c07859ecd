"""The report in a real browser: it loads nothing, complains of nothing, and fits a phone. Needs Chromium."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cifar_repro.report.page import render
from tests.report.pages import a_study, some_pictures, whole

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium in PATH")

# A window is at least 500 pixels wide, a frame can be as narrow as a phone; what it tells becomes the window's title.
PHONE = """<title></title><iframe src="page.html" style="width: 390px; height: 800px; border: 0"></iframe>
<script>addEventListener("message", event => { document.title = event.data; });</script>"""

# Runs in the page once all is loaded, and tells what it found.
PROBE = """<script>
addEventListener("load", () => {
  const sizes = selector => [...document.querySelectorAll(selector)].map(e => e.getBoundingClientRect().width);
  const style = getComputedStyle(document.body);
  parent.postMessage(JSON.stringify({
    loaded: performance.getEntriesByType("resource").map(e => e.name).filter(name => !name.startsWith("data:")),
    width: document.documentElement.scrollWidth, window: innerWidth, charts: sizes("svg"),
    pictures: [...document.images].map(e => e.complete && e.naturalWidth),
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
    return json.loads(html.unescape(match[1])), [line for line in result.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_loads_nothing_complains_of_nothing_and_fits_a_phone(tmp_path: Path) -> None:
    """No request, an empty console, no sideways scrolling at 390 pixels; charts are wide, pictures are decoded."""
    found, console = looked_at(render([whole(a_study())], [some_pictures()]), tmp_path)
    assert found["loaded"] == []
    assert console == []
    assert found["width"] <= found["window"] == 390
    assert len(found["charts"]) == 5
    assert min(found["charts"]) > 300
    assert found["pictures"] == [32] * 6


def test_the_page_is_dark_where_the_reader_wants_it(tmp_path: Path) -> None:
    """With a preference for dark, paper and ink change places; and the checks above can fail."""
    spoiled = '<img src="https://127.0.0.1:9/x.png"><svg><circle r="x"/></svg><p style="width: 500px">wide</p></body>'
    page = render([whole(a_study())], [some_pictures()]).replace("</body>", spoiled)
    found, console = looked_at(page, tmp_path, "--blink-settings=preferredColorScheme=0")
    paper, ink = (sum(map(int, re.findall(r"\d+", found[name])[:3])) for name in ("paper", "ink"))
    assert paper < 150 < 600 < ink
    assert found["loaded"] == ["https://127.0.0.1:9/x.png"]
    assert found["width"] > found["window"]
    assert len(console) >= 1
