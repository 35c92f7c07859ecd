"""How many tests passed, from the file that `pytest --junit-xml` writes."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from cifar_repro.core import files
from cifar_repro.core.errors import InputError
from cifar_repro.formats import Form, Whole

ELEMENTS = {"failure": "failed", "error": "errors", "skipped": "skipped"}  # within a testcase; none where it passed


class Outcomes(Form, frozen=True, kw_only=True):
    """How many tests ended in each way."""

    passed: Whole
    failed: Whole
    errors: Whole
    skipped: Whole


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, *declared: str | None) -> None:
        """Told by the parser, whatever the file's encoding, before it reads what the document type defines."""
        raise ValueError("it has a document type")


def count_tests(path: Path) -> Outcomes:
    """How many tests ended in each way; one that fails, or is skipped, and whose teardown fails as well counts twice.

    So pytest counts it. Of one that passes before its teardown fails, the file tells the error alone.
    Raises InputError for a file that is no such XML. One with a document type, which no JUnit file has, is refused
    unread: it could define entities that expand without end.
    """
    content = files.read(path, files.TEXT, "give one that 'pytest --junit-xml' wrote")
    try:
        root = ElementTree.fromstring(content, ElementTree.XMLParser(target=_WithoutDoctype()))
        if root.tag != "testsuites":
            raise ValueError(f"its root is {root.tag}")
    except (ValueError, LookupError, MemoryError, ElementTree.ParseError) as error:
        raise InputError(
            f"tests: {path}: is no JUnit XML ({error}): give a file that 'pytest --junit-xml' wrote"
        ) from error
    found = Counter(
        outcome
        for case in root.iter("testcase")
        for outcome in [ELEMENTS[part.tag] for part in case if part.tag in ELEMENTS] or ["passed"]
    )
    return Outcomes(passed=found["passed"], failed=found["failed"], errors=found["errors"], skipped=found["skipped"])
