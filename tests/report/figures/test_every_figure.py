"""Every figure is legible, has its caption, and depends on no setting of matplotlib."""

import subprocess
import sys
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

from tests.report.figures.drawn import CAPTION, CLASSES, LONG, all_figures, contrast, figure_of, pixels, visible_texts

EVERY = pytest.mark.parametrize("name", all_figures())


@EVERY
def test_caption_is_at_the_bottom(name: str) -> None:
    """Every figure says, word for word, on what it was made."""
    assert figure_of(name).get_supxlabel() == CAPTION


@pytest.mark.parametrize(
    ("caption", "classes"), [(CAPTION, CLASSES), ("seed 0, some folder, " * 12, LONG)], ids=["short", "long"]
)
@pytest.mark.parametrize("name", [name for name in all_figures() if name != "channel_values"])
def test_no_text_overlaps_another_or_leaves_the_figure(name: str, caption: str, classes: list[str]) -> None:
    """Captions, titles, labels, ticks and legends keep clear of each other, also when they are long."""
    figure = figure_of(name) if classes is CLASSES else all_figures(caption, classes)[name]()
    figure.draw_without_rendering()
    # Names at 40 degrees pass close to each other: upright boxes overlap where the letters do not.
    upright = [text for text in visible_texts(figure) if text.get_rotation() in (0, 90)]
    words = [text.get_text() for text in upright]
    low, high = np.moveaxis(np.array([text.get_window_extent().get_points() for text in upright]), 1, 0)  # (n, x and y)
    outside = ~((low >= 0) & (low < high) & (high <= figure.bbox.size)).all(axis=1)
    assert [words[i] for i in np.flatnonzero(outside)] == []
    shared = np.minimum(high, high[:, None]) - np.maximum(low, low[:, None])  # (n, n, width and height)
    # Boxes include the empty space above and below letters: they may touch by 2 pixels.
    overlaps = np.triu((shared >= 2).all(axis=2), k=1)
    assert [f"{words[i]!r} on {words[j]!r}" for i, j in np.argwhere(overlaps)] == []


@EVERY
def test_every_text_has_contrast_on_white(name: str) -> None:
    """Text outside the cells has a contrast of at least 4.5 to 1 (WCAG 2.2, level AA)."""
    figure = figure_of(name)
    inside = {text for ax in figure.axes if ax.images for text in ax.texts}
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        assert text in inside or contrast(text.get_color(), "white") >= 4.5, text.get_text()


@pytest.mark.parametrize("name", ["training_batch_7", "predictions_7", "loss_curves_1", "per_class_alone"])
def test_settings_of_matplotlib_do_not_matter_and_stay(name: str) -> None:
    """A figure made under a user's own settings is the same to the pixel, and leaves them as they were."""
    unusual: dict[Any, Any] = {
        "text.color": "red",
        "figure.facecolor": "black",
        "font.size": 30,
        "axes.edgecolor": "lime",
    }
    with matplotlib.rc_context(unusual):
        before = dict(matplotlib.rcParams)
        figure = all_figures()[name]()
        assert dict(matplotlib.rcParams) == before
    assert pixels(figure) == pixels(all_figures()[name]())


def test_neither_pyplot_nor_torch_is_imported() -> None:
    """Drawing needs no pyplot, which keeps figures open, and no torch."""
    code = """if True:
        import io, sys
        from cifar_repro.report import figures
        figures.loss_curves([], caption="none").savefig(io.BytesIO(), format="png")
        sys.exit(", ".join({"matplotlib.pyplot", "torch"} & set(sys.modules)) or 0)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
