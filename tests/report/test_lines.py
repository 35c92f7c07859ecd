"""The curves of the report are where their numbers are, each of its own, over whole epochs."""

from itertools import pairwise
from typing import Any

import pytest

from cifar_repro.report.lines import Curves, Series, curves
from tests.report.drawings import HOSTILE, drawn, of_class, places, readings

OWN: dict[str, Any] = {
    "name": "validation",
    "index": 0,
    "runs": [[(1, 2.0), (2, 1.0)], [(1, 2.2), (2, 1.4)]],
    "mean": [(1, 2.1), (2, 1.2)],
    "band": [(1, 1.9, 2.3), (2, 0.9, 1.5)],
    "published": [[(1, 2.15), (2, 1.25)]],
}


def some_curves(**changes: object) -> str:
    return charted(Series(**{**OWN, **changes}))


def charted(*series: Series, name: str = "Loss", unit: str = "nats", wide: bool = False) -> str:
    return curves(Curves(name=name, unit=unit, series=series), wide)


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


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("which", ["runs", "published"])
def test_a_line_that_goes_far_beyond_the_others_is_on_the_scale_too(which: str, wide: bool) -> None:
    """Upwards, downwards and in epochs: it ends within the grid, be it one of ours or a published one."""
    far = {which: [*OWN[which], [(0, 9.0), (40, 0.01)]]}
    chart = charted(Series(**{**OWN, **far}), wide=wide)
    (*_, line) = of_class(chart, {"runs": "run", "published": "published"}[which])
    grid, hit = of_class(chart, "grid")[0], of_class(chart, "hit")[0]
    top, left, right = (float(e.attrib[name]) for e, name in ((hit, "y"), (grid, "x1"), (grid, "x2")))
    (first, high), (last, low) = places(line)
    assert left < first < last < right
    assert top < high < low < top + float(hit.attrib["height"])


def test_labels_of_lines_do_not_lie_on_one_another() -> None:
    """Where training ends beside validation, their names stand apart, each in the colour of its line."""
    chart = charted(Series(**OWN), Series(**{**OWN, "name": "training", "index": 3}))
    labels = of_class(chart, "own-name")
    assert {label.text: label.attrib["class"] for label in labels} == {
        "validation": "own-name c1",
        "training": "own-name c4",
    }
    first, second = (float(label.attrib["y"]) for label in labels)
    assert abs(first - second) >= 14
    assert [of_class(chart, look)[0].attrib["class"] for look in ("c1", "c4")] == ["band c1", "band c4"]


def test_a_series_is_named_beside_its_last_point() -> None:
    """At the right end of its line, however far from there it began."""
    falling = Series(name="training", index=0, runs=[[(1, 3.0), (2, 1.0)]])
    rising = Series(name="validation", index=3, runs=[[(1, 1.0), (2, 3.0)]])
    chart = charted(falling, rising)
    names = {name.attrib["class"]: name for name in of_class(chart, "own-name")}
    for line, hue in zip(of_class(chart, "mean"), ("c1", "c4"), strict=True):
        name, (x, y) = names[f"own-name {hue}"], places(line)[-1]
        assert float(name.attrib["x"]) > x
        assert abs(float(name.attrib["y"]) - y) < 5, f"{name.text} does not stand beside the end of its line"


def test_each_epoch_of_a_chart_can_be_read() -> None:
    """Wherever a chart is pointed at, the numbers of the nearest epoch are read; those of a band as it is, not cut."""
    lines = {
        "runs": [[(1, 2.0), (2, 1.0), (6, 0.5)], [(1, 2.2), (2, 1.4), (6, 0.7)]],
        "mean": [(1, 2.1), (2, 1.2), (6, 0.6)],
    }
    chart = some_curves(**lines, band=[(2, -50.0, 50.0)], published=[[(1, 2.15), (2, 1.25)], [(2, 1.0)]])
    assert [told for _, told in readings(chart)] == [
        ["epoch 1: validation mean 2.100, published 2.150", "2 seeds 2.000 to 2.200"],
        ["epoch 2: validation mean 1.200, published 1.250 and 1.000", "2 seeds 1.000 to 1.400; shaded -50.00 to 50.00"],
        ["epoch 6: validation mean 0.6000", "2 seeds 0.5000 to 0.7000"],
    ]
    assert [e.tag for e in of_class(chart, "published")] == ["polyline", "circle"], "each published run is drawn"
    assert ", published: from 2.15 to 1.25, published: from 1 to 1" in drawn(chart).attrib["aria-label"]
    looks = [element.get("class") for element in drawn(chart)]
    assert looks.index("at") > max(looks.index("mean c1"), looks.index("published c1"))  # no line lies between
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
        ["epoch 1: validation 2.000, published 2.150"],
        ["epoch 2: validation 1.000, published 1.250"],
        ["epoch 3: validation published 1.125"],
    ]


def test_a_single_epoch_is_a_dot() -> None:
    """One epoch makes no line to be seen, so it is a circle."""
    (dot,) = of_class(some_curves(runs=[[(1, 2.0)]], mean=[], band=[], published=[]), "mean")
    assert dot.tag == "circle"


def test_several_results_lie_over_one_another_and_are_read_line_by_line() -> None:
    """One line a result and kind, in its colour, its sign at the end; read together, by the names of the results."""
    of = [("A", 0, 2.0), ("B", 1, 2.5), ("C", 2, 3.0)]
    series = [
        Series(name=name, whose=whose, index=index, thin=name == "training", runs=[[(1, high + more), (2, high - 1)]])
        for whose, index, high in of
        for name, more in (("training", 0.5), ("validation", 0.0))
    ]
    chart = charted(*series)
    for _, index, _ in of:
        lines = [e for e in of_class(chart, f"c{index + 1}") if e.tag == "polyline"]
        assert [e.attrib["class"] for e in lines] == [f"mean thin c{index + 1}", f"mean c{index + 1}"]
        assert len([e for e in of_class(chart, f"c{index + 1}") if "shape" in e.attrib["class"]]) == 2
        assert len({places(e)[1] for e in lines}) == 1  # both end at one loss
    assert readings(chart)[0][1] == [
        "epoch 1: A: training 2.500, validation 2.000",
        "B: training 3.000, validation 2.500",
        "C: training 3.500, validation 3.000",
    ]
    assert not of_class(chart, "own-name"), "a legend names them"


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("last", [1, 2, 3, 7, 30, 99])
@pytest.mark.parametrize("within", [False, True])
def test_the_ticks_are_whole_epochs(last: int, within: bool, wide: bool) -> None:
    """However many epochs there are, and also where a line has points within them; no more than there is room for."""
    xs = [x + 1 for x in range(last)]
    points = [(x - share, 1 / x) for x in xs for share in ((0.84, 0.52, 0.08) if within else (0,))]
    chart = charted(Series(name="training", index=0, runs=[points]), wide=wide)
    (floor,) = {e.attrib["y"] for e in of_class(chart, "tick") if "middle" in e.attrib["class"]}
    ticks = [e.text or "" for e in of_class(chart, "tick") if e.attrib["y"] == floor]
    assert 1 <= len(ticks) <= 17
    assert all(tick.isdigit() for tick in ticks)
    assert {int(tick) for tick in ticks} <= set(range(0 if within else 1, last + 1))
    assert last > 6 or set(xs) <= {int(tick) for tick in ticks}


def test_a_wide_chart_has_the_same_lines() -> None:
    """For a wide place the same points are drawn further apart."""
    (narrow,), (wide,) = (of_class(charted(Series(**OWN), wide=wide), "mean") for wide in (False, True))
    (a, _), (b, _) = places(narrow)
    (c, _), (d, _) = places(wide)
    assert d - c > 2 * (b - a)


def test_equal_numbers_are_drawn() -> None:
    """Numbers without any spread are no error."""
    assert of_class(some_curves(runs=[[(1, 1.0), (2, 1.0)]], mean=[], band=[], published=[]), "mean")


@pytest.mark.parametrize("where", ["name", "unit", "series", "whose"])
def test_hostile_texts_of_curves_stay_text(where: str) -> None:
    """No text becomes an element or an attribute."""

    def chart(text: str) -> str:
        series = Series(**{**OWN, "name": text} if where == "series" else OWN, whose=text if where == "whose" else "")
        return charted(series, **({where: text} if where in ("name", "unit") else {}))

    assert HOSTILE in drawn(chart(HOSTILE)).attrib["aria-label"]
    assert [e.tag for e in drawn(chart(HOSTILE)).iter()] == [e.tag for e in drawn(chart("t")).iter()]
