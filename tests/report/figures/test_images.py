"""The figures of images show each pixel, each class name and whether a prediction is right."""

from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.textpath import TextPath

from cifar_repro.report import figures
from tests.report.figures.drawn import CAPTION, CLASSES, contrast, figure_of, pixels, some_images


@pytest.mark.parametrize("count", [0, 1, 7, 10, 20])
def test_each_training_image_is_under_its_class_name(count: int) -> None:
    """As many panels as images; panel i shows the pixels of image i and the name of label i."""
    images, labels = some_images(count), np.arange(count)[::-1] % 10
    figure = figures.training_batch(images, labels, CLASSES, caption=CAPTION)
    assert [ax.get_title() for ax in figure.axes] == [CLASSES[label] for label in labels]
    for ax, image in zip(figure.axes, images, strict=True):
        shown = np.asarray(ax.images[0].get_array())
        assert np.array_equal(shown, np.stack([image[0], image[1], image[2]], axis=-1))


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (10, 1), (11, 2), (20, 2)])
def test_training_images_stand_in_rows_of_ten(count: int, rows: int) -> None:
    """20 images make 2 rows of 10, read from left to right and from the top; all of them, and the last, are inside."""
    figure = figures.training_batch(some_images(count), [0] * count, CLASSES, caption=CAPTION)
    corners = [(round(ax.get_position().y0, 6), ax.get_position().x0) for ax in figure.axes]
    assert len({y for y, _ in corners}) == rows
    assert all(0 < y < 1 and 0 < x < 1 for y, x in corners), "an image lies outside the figure"
    assert corners == sorted(corners, key=lambda corner: (-corner[0], corner[1]))


def test_pixels_stay_sharp() -> None:
    """A drawn image has only the colours of its pixels, and every pixel is a block of 4 x 4."""
    image = some_images(1)
    figure = figures.training_batch(image, [0], CLASSES, caption=CAPTION)
    width, height = (round(size) for size in figure.bbox.size)
    page = np.frombuffer(pixels(figure), np.uint8).reshape(height, width, 4)[..., :3]
    box = figure.axes[0].get_window_extent()
    x, y = round(box.x0), height - round(box.y1)
    drawn = page[y + 8 : y + 120, x + 8 : x + 120]  # without the frame
    expected = image[0].transpose(1, 2, 0).repeat(4, axis=0).repeat(4, axis=1)
    # Where the axes begin between two pixels, the raster may round them one pixel up or down.
    starts = [(dy, dx) for dy in range(6, 11) for dx in range(6, 11)]
    assert any(np.array_equal(drawn, expected[dy : dy + 112, dx : dx + 112]) for dy, dx in starts)


def test_right_and_wrong_predictions_differ_in_colour_mark_and_frame() -> None:
    """Right: tick, green, solid frame. Wrong: cross, red, dashed frame. The title is "predicted (true)"."""
    labels, predicted = [3, 8, 8, 0], [3, 8, 1, 6]
    figure = figures.predictions(some_images(4), labels, predicted, CLASSES, caption=CAPTION)
    titles = [ax.get_title().split() for ax in figure.axes]
    assert titles == [
        ["✓", "cat", "(cat)"],
        ["✓", "ship", "(ship)"],
        ["✗", "automobile", "(ship)"],
        ["✗", "frog", "(airplane)"],
    ]
    for ax, hit in zip(figure.axes, [True, True, False, False], strict=True):
        red, green, _ = to_rgb(ax.title.get_color())
        assert (green > red) is hit
        for spine in ax.spines.values():
            assert to_rgb(spine.get_edgecolor()) == (to_rgb(ax.title.get_color()))
            assert (spine.get_linestyle() == "-") is hit


def test_predictions_count_the_right_ones() -> None:
    """The heading says how many of the images drawn were right."""
    figure = figures.predictions(some_images(3), [1, 2, 3], [1, 2, 4], CLASSES, caption=CAPTION)
    assert figure.get_suptitle().endswith("2 of 3 right")


def test_the_font_has_the_marks() -> None:
    """The tick and the cross are letters of matplotlib's own font, not empty boxes."""
    path = matplotlib.font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    letters = matplotlib.font_manager.get_font(path).get_charmap()
    assert {ord("✓"), ord("✗"), ord("…")} <= set(letters)


def outline(text: str) -> npt.NDArray[np.float64]:
    """The outline of a text of the size of the values, its middle at the origin, in points."""
    vertices = TextPath((0, 0), text, size=7.9).vertices
    return np.asarray(vertices) - (vertices.min(axis=0) + vertices.max(axis=0)) / 2


def written(ax: Axes) -> dict[tuple[int, int], tuple[npt.NDArray[np.float64], Any]]:
    """What stands in each cell (row, column): its outline in points and its colour."""
    (texts,) = (found for found in ax.collections if isinstance(found, PathCollection))
    paths = [np.asarray(path.vertices) for path in texts.get_paths()]
    places = [(round(y), round(x)) for x, y in np.asarray(texts.get_offsets()).tolist()]
    return dict(zip(places, zip(paths, texts.get_facecolor(), strict=True), strict=True))


def test_each_cell_has_the_normalised_value_of_its_own_pixel() -> None:
    """Row y, column x of panel c holds (image[c, y, x] / 255 - 0.5) / 0.5 to two decimals, never "-0.00"."""
    figure, image = figure_of("channel_values"), some_images(20)[0]
    assert [ax.get_title() for ax in figure.axes] == ["red channel", "green channel", "blue channel"]
    values = [f"{hundredths / 100:.2f}" for hundredths in range(-100, 101)]
    outlines = {value: outline(value) for value in values}
    for channel, ax in enumerate(figure.axes):
        cells = written(ax)
        assert set(cells) == {(y, x) for y in range(32) for x in range(32)}
        assert np.array_equal(np.asarray(ax.images[0].get_array()), image[channel])
        for (y, x), (path, _) in cells.items():
            hundredths = round(((int(image[channel, y, x]) / 255 - 0.5) / 0.5) * 100)
            assert np.array_equal(path, outlines[values[hundredths + 100]]), (channel, y, x)
    assert 127 in image  # -0.004, which is "-0.00" if nobody takes care


def test_every_value_is_legible_on_its_shade() -> None:
    """Black on light and white on dark, with a contrast of at least 4.5 to 1 on each of the 256 shades."""
    figure, image = figure_of("channel_values"), some_images(20)[0]
    pairs = set()
    for channel, ax in enumerate(figure.axes):
        pairs |= {(to_hex(colour), int(image[channel, y, x])) for (y, x), (_, colour) in written(ax).items()}
        assert ax.images[0].get_clim() == (0, 255)
    assert len(pairs) == 256  # every shade, and one colour of text for each
    shades = figure.axes[0].images[0].to_rgba(np.arange(256))[:, :3]
    assert min(contrast(ink, shades[value]) for ink, value in pairs) >= 4.5


def test_values_fit_into_their_cells() -> None:
    """The widest value, -1.00, is narrower than a cell, and the caption lies below the panels."""
    figure = figure_of("channel_values")
    ax = figure.axes[0]
    cell = ax.get_window_extent().width / 32
    (texts,) = ax.collections
    scale = texts.get_transform().get_matrix()[0, 0]  # pixels to a point
    widest = max(np.ptp(path[:, 0]) for path, _ in written(ax).values()) * scale
    assert 0.8 * cell < widest < 0.97 * cell
    (caption,) = (text for text in figure.texts if text.get_text() == CAPTION)
    lowest = min(label.get_window_extent().y0 for label in ax.get_xticklabels())
    assert 0 < caption.get_window_extent().y0 < caption.get_window_extent().y1 < lowest


def test_values_stand_in_the_middle_of_their_cells() -> None:
    """On a black image the only ink is the white -1.00, its middle within a pixel of the middle of each cell."""
    figure = figures.channel_values(np.zeros((3, 32, 32), np.uint8), "cat", caption=CAPTION)
    width, height = (round(size) for size in figure.bbox.size)
    page = np.frombuffer(pixels(figure), np.uint8).reshape(height, width, 4)[..., 0]
    for ax in figure.axes:
        for row, column in [(0, 0), (5, 31), (31, 16)]:
            x, y = ax.transData.transform((column, row))
            x, y = round(x), round(height - y)
            ink = np.argwhere(page[y - 15 : y + 15, x - 15 : x + 15] > 100)
            assert len(ink) > 50
            middle = (ink.min(axis=0) + ink.max(axis=0)) / 2 - 14.5
            assert abs(middle).max() <= 1, (row, column, middle)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3, 32, 32), np.float32),
        np.zeros((2, 32, 32, 3), np.uint8),
        np.zeros((2, 32, 32), np.uint8),
    ],
    ids=["normalised", "channels_last", "gray"],
)
def test_wrong_images_are_refused(images: Any) -> None:
    """Images that are not (n, 3, 32, 32) uint8 are refused with what was expected and what came."""
    with pytest.raises(ValueError, match=r"images: expected uint8, \(n, 3, 32, 32\), got .*"):
        figures.training_batch(images, [0, 0], CLASSES, caption=CAPTION)


@pytest.mark.parametrize(("labels", "said"), [([0], "got 1"), ([0, 10], "10"), ([-1, 0], "-1")])
def test_wrong_labels_are_refused(labels: list[int], said: str) -> None:
    """A label too few or outside the classes is refused; -1 is not taken for the last class."""
    with pytest.raises(ValueError, match=f"labels: .*{said}"):
        figures.training_batch(some_images(2), labels, CLASSES, caption=CAPTION)
    with pytest.raises(ValueError, match=f"predicted: .*{said}"):
        figures.predictions(some_images(2), [0, 0], labels, CLASSES, caption=CAPTION)
