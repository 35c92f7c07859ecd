"""The charts of the report show what they claim: places are compared with the numbers behind them."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from cifar_repro.report import elements, svg

HOSTILE = '"><script>alert(1)</script>&lt;'


def drawn(chart: str) -> ElementTree.Element:
    """The chart, parsed as strictly as XML is."""
    return ElementTree.fromstring(chart)


def of_class(chart: str, name: str) -> list[ElementTree.Element]:
    return [element for element in drawn(chart).iter() if name in element.get("class", "").split()]


def places(element: ElementTree.Element) -> list[tuple[float, float]]:
    """The points of a line or an area."""
    return [(float(x), float(y)) for x, y in (point.split(",") for point in element.attrib["points"].split())]


def texts(chart: str) -> list[str]:
    return [element.text or "" for element in drawn(chart).iter("text")]


def readings(chart: str) -> list[tuple[ElementTree.Element, list[str]]]:
    """What can be pointed at in a chart, first to last, each with the lines that are then read."""
    found = []
    for at in of_class(chart, "at"):
        (told,) = (element for element in at if element.get("class") == "reading")
        found.append((at[0], [line.text or "" for line in told.iter("text")]))
    return found


def some_curves(**changes: object) -> str:
    chart = {
        "name": "Validation loss",
        "unit": "nats",
        "x_name": "epoch",
        "runs": [[(1, 2.0), (2, 1.0)], [(1, 2.2), (2, 1.4)]],
        "mean": [(1, 2.1), (2, 1.2)],
        "band": [(1, 1.9, 2.3), (2, 0.9, 1.5)],
        "published": [[(1, 2.15), (2, 1.25)]],
    }
    return svg.curves(svg.Curves(**{**chart, **changes}))  # type: ignore[arg-type]


def test_lines_are_where_their_numbers_are() -> None:
    """All lines of a chart share one scale that is linear, upwards and to the right; so do band and marks."""
    chart = some_curves(marks=[(2, 1.0)])
    first, second = of_class(chart, "run")
    (mean,), (published,), (band,), (mark,) = (of_class(chart, n) for n in ("mean", "published", "band", "mark"))
    (left, at_2), (right, at_1) = places(first)
    assert left < right
    assert at_2 < at_1
    height = (at_1 - at_2) / (1.0 - 2.0)  # units a nat

    def loss(y: float) -> float:
        return 2.0 + (y - at_2) / height

    assert [loss(y) for _, y in places(second)] == pytest.approx([2.2, 1.4], abs=0.01)
    assert [loss(y) for _, y in places(mean)] == pytest.approx([2.1, 1.2], abs=0.01)
    assert [loss(y) for _, y in places(published)] == pytest.approx([2.15, 1.25], abs=0.01)
    assert [loss(y) for _, y in places(band)] == pytest.approx([1.9, 0.9, 1.5, 2.3], abs=0.01)
    assert loss(float(mark.attrib["cy"])) == pytest.approx(1.0, abs=0.01)
    assert {x for line in (second, mean, published, band) for x, _ in places(line)} == {left, right}


def test_a_band_that_is_far_wider_than_all_lines_leaves_them_to_be_seen() -> None:
    """The band of two runs can be hundreds of times as wide as their lines: it is cut a little beyond them."""
    chart = some_curves(band=[(1, -50.0, 50.0), (2, -50.0, 50.0)])
    (band,) = of_class(chart, "band")
    ys = [y for _, y in places(band)]
    lines = [y for name in ("run", "published") for line in of_class(chart, name) for _, y in places(line)]
    assert min(ys) < min(lines) < max(lines) < max(ys)
    assert max(lines) - min(lines) > 0.5 * (max(ys) - min(ys))


def test_labels_of_lines_do_not_lie_on_one_another() -> None:
    """Where the mean ends beside the published line, their names stand apart."""
    chart = some_curves(published=[[(1, 2.1), (2, 1.2)]])
    (own,), (published,) = of_class(chart, "own-name"), of_class(chart, "published-name")
    assert (own.text, published.text) == ("mean", "published")
    assert abs(float(own.attrib["y"]) - float(published.attrib["y"])) >= 14


def test_each_epoch_of_a_chart_can_be_read() -> None:
    """Wherever a chart is pointed at, the numbers of the nearest epoch are read; those of a band as it is, not cut."""
    lines = {
        "runs": [[(1, 2.0), (2, 1.0), (6, 0.5)], [(1, 2.2), (2, 1.4), (6, 0.7)]],
        "mean": [(1, 2.1), (2, 1.2), (6, 0.6)],
    }
    chart = some_curves(**lines, band=[(2, -50.0, 50.0)], published=[[(1, 2.15), (2, 1.25)], [(2, 1.0)]])
    assert [told for _, told in readings(chart)] == [
        ["epoch 1: mean 2.100, published 2.150", "2 seeds 2.000 to 2.200"],
        ["epoch 2: mean 1.200, published 1.250 and 1.000", "2 seeds 1.000 to 1.400; shaded -50.00 to 50.00"],
        ["epoch 6: mean 0.6000", "2 seeds 0.5000 to 0.7000"],
    ]
    looks = [element.get("class") for element in drawn(chart)]
    assert looks.index("at") > max(looks.index("mean"), looks.index("published"))  # no line lies between
    (mean,), (grid, *_) = of_class(chart, "mean"), of_class(chart, "grid")
    xs = [x for x, _ in places(mean)]
    spans = [(float(hit.attrib["x"]), float(hit.attrib["width"])) for hit, _ in readings(chart)]
    edges = [start for start, _ in spans]
    assert edges[0] == float(grid.attrib["x1"])
    assert edges[1:] == pytest.approx([(a + b) / 2 for a, b in pairwise(xs)], abs=0.1)
    assert [start + width for start, width in spans] == pytest.approx([*edges[1:], float(grid.attrib["x2"])], abs=0.15)


def test_the_points_that_are_read_are_those_of_the_lines() -> None:
    """Beside the numbers of an epoch, its points are marked, at the epoch and the losses that are read."""
    chart = some_curves()
    for name, look in (("mean", "own-point"), ("published", "published-point")):
        (line,) = of_class(chart, name)
        points = [(float(e.attrib["cx"]), float(e.attrib["cy"])) for e in of_class(chart, look)]
        assert points == places(line)


def test_a_lone_run_is_read_without_any_spread() -> None:
    """Of one run there is a loss an epoch, and no range over seeds; after its last one, what was published."""
    chart = some_curves(runs=[[(1, 2.0), (2, 1.0)]], mean=[], band=[], published=[[(1, 2.15), (2, 1.25), (3, 1.125)]])
    assert [told for _, told in readings(chart)] == [
        ["epoch 1: this run 2.000, published 2.150"],
        ["epoch 2: this run 1.000, published 1.250"],
        ["epoch 3: published 1.125"],
    ]


def test_a_single_epoch_is_a_dot() -> None:
    """One epoch makes no line to be seen, so it is a circle."""
    (dot,) = of_class(some_curves(runs=[[(1, 2.0)]], mean=[], band=[], published=[]), "mean")
    assert dot.tag == "circle"


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


def test_all_equal_and_empty_charts_are_drawn() -> None:
    """Numbers without any spread, and rows without numbers, are no error."""
    assert of_class(some_curves(runs=[[(1, 1.0), (2, 1.0)]], mean=[], band=[], published=[]), "mean")
    chart = svg.rows("r", [svg.Row(name="a", note="no images")], axis_name="%", written=str, gutter=88, step=30)
    assert "no images" in texts(chart)


@pytest.mark.parametrize("where", ["name", "unit", "x_name"])
def test_hostile_texts_of_curves_stay_text(where: str) -> None:
    """No text becomes an element or an attribute."""
    chart = some_curves(**{where: HOSTILE})
    assert HOSTILE in drawn(chart).attrib["aria-label"]
    assert [e.tag for e in drawn(chart).iter()] == [e.tag for e in drawn(some_curves()).iter()]


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
