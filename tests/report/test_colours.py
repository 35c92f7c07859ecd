"""The colours of results are told apart by all readers, on light paper and on dark."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import cifar_repro.report
from cifar_repro.report.elements import COLOURS, SHAPES
from cifar_repro.report.elements import colour as look_of

Floats = npt.NDArray[np.float64]

STYLE = (Path(cifar_repro.report.__file__).parent / "report.css").read_text()
# G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, IEEE TVCG 15 (2009), 1291-1298: severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> Floats:
    value = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Floats) -> Floats:
    x, y, z = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def colours(name: str) -> tuple[str, str]:
    """That variable of the style on light and on dark paper."""
    light, dark = re.findall(rf"--{name}: (#[0-9a-f]{{3,6}});", STYLE)
    return light, dark


@pytest.mark.parametrize("paper", [0, 1], ids=["light", "dark"])
def test_any_two_colours_differ_for_all_and_stand_out_from_the_paper(paper: int) -> None:
    """By 20 units of CIELAB in any kind of sight, and by the contrast that is asked of text, 4.5 (WCAG 2)."""
    used = [colours(f"c{k + 1}")[paper] for k in range(COLOURS)]
    background = {0: 1.0, 1: float((TO_XYZ @ linear(colours("paper")[1]))[1])}[paper]
    for colour in used:
        brighter, darker = sorted([background, float((TO_XYZ @ linear(colour))[1])], reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, colour
    for sight, matrix in SIGHT.items():
        seen = {colour: lab(np.array(matrix) @ linear(colour)) for colour in used}
        for one, other in combinations(used, 2):
            assert np.linalg.norm(seen[one] - seen[other]) >= 20, (sight, one, other)


def test_each_colour_has_a_sign_of_its_own() -> None:
    """Who tells no colours apart at all tells the signs."""
    assert len(set(SHAPES)) == COLOURS


def test_where_colours_begin_again_they_are_drawn_otherwise() -> None:
    """Of ten results, no two look alike."""
    looks = [look_of(index) for index in range(2 * COLOURS)]
    assert len(set(looks)) == len(looks)
    assert [look.endswith(" again") for look in looks] == [False] * COLOURS + [True] * COLOURS
