"""The charts of the report taken apart."""

from xml.etree import ElementTree

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
