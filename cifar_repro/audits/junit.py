"""An audit as JUnit XML, which autograders and CI services show: a test case for each rule."""

from pathlib import Path
from xml.etree import ElementTree

from cifar_repro.audits.audit import Audit, place
from cifar_repro.core.checkpoint import replacing


def write_junit(path: Path, audit: Audit) -> None:
    """WRONG is a failure, `not seen` is skipped; how the program failed, if it did, is an error of its own case."""
    suite = ElementTree.Element("testsuite", name=audit.file, time=str(audit.seconds))
    for finding in audit.findings:
        case = ElementTree.SubElement(suite, "testcase", classname=audit.file, name=finding.rule)
        says = finding.says + (f" ({place(finding.at)})" if finding.at else "")
        if finding.outcome == "WRONG":
            ElementTree.SubElement(case, "failure", message=says)
        elif finding.outcome == "not seen":
            ElementTree.SubElement(case, "skipped", message=says)
        else:
            ElementTree.SubElement(case, "system-out").text = f"{finding.outcome}: {says}"
    if audit.ended == "failed":
        case = ElementTree.SubElement(suite, "testcase", classname=audit.file, name="the program runs to its end")
        ElementTree.SubElement(case, "error", message=audit.error)
    for kind in ("failure", "skipped", "error"):
        suite.set({"failure": "failures", "error": "errors"}.get(kind, kind), str(len(suite.findall(f"*/{kind}"))))
    suite.set("tests", str(len(suite)))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    with replacing(path) as file:
        ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
