"""Rows of numbers are drawn where the numbers are: places are compared with the numbers behind them."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from cifar_repro.report import elements, svg
from cifar_repro.report.dots import dots
from tests.report.drawings import HOSTILE, drawn, of_class, readings, texts


def test_rows_are_where_their_numbers_are() -> None:
    """Dots, interval, centre and the published diamond share one scale, whose ticks say what is where."""
    row = svg.Row(name="deer", values=[70.0, 72.0], centre=71.0, interval=(69.0, 73.0), published=(74.0, 75.0))
    lone = svg.Row(name="seeds", values=[70.0, 72.0])
    chart = svg.rows("Classes", [row, lone], axis_name="%", written="{:.1f}".format, gutter=88, step=30)
    ticks = {float(t.text or ""): float(t.attrib["x"]) for t in of_class(chart, "tick")}
    (a, at_a), *_, (b, at_b) = sorted(ticks.items())

    def value(x: float) -> float:
        return a + (x - at_a) * (b - a) / (at_b - at_a)

    def from_to(element: ElementTree.Element) -> list[float]:
        match = re.match(r"M([\d.]+) [\d.]+H([\d.]+)", element.attrib["d"])
        assert match
        return [value(float(x)) for x in match.groups()]

    assert [value(float(c.attrib["cx"])) for c in of_class(chart, "dot")] == pytest.approx([70, 72], abs=0.05)
    assert value(float(of_class(chart, "centre")[0].attrib["cx"])) == pytest.approx(71, abs=0.05)
    assert from_to(of_class(chart, "interval")[0]) == pytest.approx([69, 73], abs=0.05)
    assert from_to(of_class(chart, "published-range")[0]) == pytest.approx([74, 75], abs=0.05)
    said = drawn(chart).attrib["aria-label"]
    assert "deer 71.0 (69.0 to 73.0), published 74.0 to 75.0; seeds 70.0 to 72.0" in said


@pytest.mark.parametrize("values", [[70.121, 70.184], [0.00124, 0.00182], [1_234.5, 1_236.0]])
def test_ticks_of_numbers_that_hardly_differ_say_where_they_are(values: list[float]) -> None:
    """With as many digits as it takes: the numbers lie between the ticks that are below and above them."""
    chart = svg.rows("r", [svg.Row(name="a", values=values)], axis_name="%", written=str, gutter=88, step=30)
    ticks = [(float(t.text or ""), float(t.attrib["x"])) for t in of_class(chart, "tick")]
    assert len({label for label, _ in ticks}) == len(ticks) > 2
    for value, dot in zip(values, of_class(chart, "dot"), strict=True):
        at = float(dot.attrib["cx"])
        assert {label < value for label, x in ticks if x < at} <= {True}
        assert {label > value for label, x in ticks if x > at} <= {True}


def test_equal_values_stay_to_be_seen() -> None:
    """Dots of equal values do not lie on one another."""
    row = svg.Row(name="seeds", values=[70.0] * 5 + [71.0])
    dots = of_class(svg.rows("r", [row], axis_name="%", written=str, gutter=88, step=30), "dot")
    assert len({(dot.attrib["cx"], dot.attrib["cy"]) for dot in dots}) == 6


def test_each_row_can_be_read() -> None:
    """Pointed at anywhere, a row tells its numbers in words, and from where to where its values go."""
    deer = svg.Row(name="deer", values=[72.0, 70.0], centre=71.0, interval=(69.0, 73.0), published=(74.0, 75.0))
    lone = svg.Row(name="published", published=(74.0, 74.0))
    chart = svg.rows("r", [deer, lone], axis_name="%", written="{:.1f}".format, gutter=88, step=30)
    (first, told), (second, other) = readings(chart)
    assert told == ["deer 71.0 (69.0 to 73.0)", "published 74.0 to 75.0, 2 seeds 70.0 to 72.0"]
    assert other == ["published 74.0"]
    tops = [float(hit.attrib["y"]) for hit in (first, second)]
    middles = [float(e.attrib["y"]) - 4 for e in of_class(chart, "row-name")]
    assert [y + 15 for y in tops] == middles
    assert {(hit.attrib["x"], hit.attrib["width"], hit.attrib["height"]) for hit in (first, second)} == {
        ("0", str(elements.WIDTH), "30")
    }


def test_each_dot_can_be_read_by_the_name_of_its_run() -> None:
    """The dots lie in the order of their values, each with its own run's name; and on top of the row's own reading."""
    row = svg.Row(name="3 seeds", values=[2.0, 1.0, 3.0], names=["seed-0", "seed-1", "seed-2"])
    chart = svg.rows("r", [row], axis_name="%", written="{:.1f}".format, gutter=88, step=30)
    (_, whole), *dots = readings(chart)
    assert whole == ["3 seeds 1.0 to 3.0"]
    dots.sort(key=lambda dot: float(dot[0].attrib["cx"]))
    assert [told for _, told in dots] == [["seed-1: 1.0"], ["seed-0: 2.0"], ["seed-2: 3.0"]]
    assert len({dot.attrib["cy"] for dot, _ in dots}) == 1  # there is room for all on one line


def test_numbers_that_are_written_alike_are_told_once() -> None:
    """Of values that round to the same, it would say nothing that they go from it to it."""
    row = svg.Row(name="seeds", values=[70.01, 70.04], published=(74.01, 74.04))
    chart = svg.rows("r", [row], axis_name="%", written="{:.1f}".format, gutter=88, step=30)
    assert readings(chart)[0][1] == ["seeds 70.0", "published 74.0"]


@pytest.mark.parametrize(
    ("far", "look"),
    [
        ({"values": [10.0, 71.0]}, "dot"),
        ({"centre": 10.0}, "centre"),
        ({"interval": (10.0, 71.0)}, "interval"),
        ({"published": (10.0, 10.0)}, "diamond"),
    ],
)
def test_a_number_far_from_the_others_is_on_the_scale_too(far: dict[str, Any], look: str) -> None:
    """Be it a value, a centre, the end of an interval or what was published: none is drawn beside the chart."""
    lines = [svg.Row(name="near", values=[70.0, 72.0]), svg.Row(name="far", **far)]
    chart = svg.rows("r", lines, axis_name="%", written=str, gutter=88, step=30)
    xs = [float(re.findall(r"-?[\d.]+", e.get("cx") or e.attrib["d"])[0]) for e in of_class(chart, look)]
    assert 88 < min(xs) <= max(xs) < elements.WIDTH


def test_a_note_has_room_beside_the_numbers() -> None:
    """It ends at the right edge, and seven letters of it are about 50 wide."""
    row = svg.Row(name="deer", centre=71.0, interval=(69.0, 73.0), note="71.00 %")
    chart = svg.rows("r", [row], axis_name="%", written=str, gutter=88, step=30)
    (end,) = (re.findall(r"H([\d.]+)", e.attrib["d"])[0] for e in of_class(chart, "interval")[:1])
    assert float(end) < elements.WIDTH - 50


def test_rows_without_numbers_are_drawn() -> None:
    """A class without images is no error."""
    chart = svg.rows("r", [svg.Row(name="a", note="no images")], axis_name="%", written=str, gutter=88, step=30)
    assert "no images" in texts(chart)


def test_nought_is_a_number_too() -> None:
    """A difference of 0 is told as others are, and a class that is never right from one without images."""
    row = svg.Row(name="B", centre=0.0, interval=(-1.0, 1.0))
    chart = svg.rows("r", [row], axis_name="points", written="{:.1f}".format, gutter=88, step=30)
    assert len(of_class(chart, "centre")) == 1
    assert readings(chart)[0][1] == ["B 0.0 (-1.0 to 1.0)"]
    table = [("cat", [0.0, 50.0]), ("dog", [None, None])]
    chart = dots("r", ["A", "B"], table, axis_name="%", written="{:.1f}".format)
    assert [told for _, told in readings(chart)] == [["cat, A: 0.0", "cat, B: 50.0"], ["dog: no images"]]
    assert len(of_class(chart, "shape")) == 2


def test_where_a_result_has_no_value_the_others_keep_their_names_and_colours() -> None:
    """Nothing moves up into the place of a class without images."""
    table = [("cat", [None, 40.0, None, 50.0]), ("dog", [10.0, None, None, None])]
    chart = dots("r", ["A", "B", "C", "D"], table, axis_name="%", written="{:.1f}".format)
    assert [told for _, told in readings(chart)] == [["cat, B: 40.0", "cat, D: 50.0"], ["dog, A: 10.0"]]
    assert [sign.attrib["class"] for sign in of_class(chart, "shape")] == ["shape c2", "shape c4", "shape c1"]
    assert "cat, B 40.0, D 50.0; dog, A 10.0" in drawn(chart).attrib["aria-label"]


def test_a_line_stands_where_there_is_no_difference() -> None:
    """Zero is on the scale, wherever the values are, and the line at it."""
    row = svg.Row(name="a", centre=3.0, interval=(2.0, 4.0))
    chart = svg.rows("r", [row], axis_name="points", written=str, gutter=88, step=30, zero=True)
    (zero,) = of_class(chart, "zero")
    ticks = {float(t.text or ""): float(t.attrib["x"]) for t in of_class(chart, "tick")}
    assert float(zero.attrib["x1"]) == float(zero.attrib["x2"]) == ticks[0]


@pytest.mark.parametrize("published", [(60.0, 60.0), (55.0, 56.0)])
def test_the_published_value_of_all_rows_is_a_line_through_its_sign(published: tuple[float, float]) -> None:
    """Through the middle of a range; there is one line, and none where each row has a published value of its own."""
    lines = [svg.Row(name="mean", centre=58.0, interval=(50.0, 66.0)), svg.Row(name="published", published=published)]
    drawings = {"axis_name": "%", "written": str, "gutter": 88, "step": 30}
    chart = svg.rows("r", lines, **drawings, reference=True)  # type: ignore[arg-type] # one dict for several types
    (line,), (sign,) = of_class(chart, "reference"), of_class(chart, "diamond")
    assert line.attrib["x1"] == line.attrib["x2"] == re.findall(r"M([\d.]+) ", sign.attrib["d"])[0]
    assert of_class(svg.rows("r", lines, **drawings), "reference") == []  # type: ignore[arg-type] # one dict for several types


def test_hostile_texts_of_rows_stay_text() -> None:
    """No text becomes an element or an attribute."""
    row = svg.Row(name=HOSTILE, values=[1.0], names=[HOSTILE], note=HOSTILE)
    chart = svg.rows(HOSTILE, [row], axis_name=HOSTILE, written=str, gutter=88, step=30)
    assert texts(chart).count(HOSTILE) == 3
    assert f"{HOSTILE}: 1.0" in texts(chart)
    harmless = svg.rows(
        "t", [svg.Row(name="n", values=[1.0], names=["n"], note="n")], axis_name="%", written=str, gutter=88, step=30
    )
    assert [e.tag for e in drawn(chart).iter()] == [e.tag for e in drawn(harmless).iter()]
