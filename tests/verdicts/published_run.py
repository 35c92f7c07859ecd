"""What tests of a study beside a published run share."""

from typing import Any

from cifar_repro.verdicts.verdict import Check, Verdict
from cifar_repro.verdicts.with_published import with_published
from tests.make_studies import as_study


def compared(study: dict[str, Any], published: dict[str, Any]) -> Verdict:
    """What `with_published` says of a study as it is now."""
    return with_published(as_study(study), published)


def checks(verdict: Verdict) -> dict[str, Check]:
    return {check.name: check for check in verdict.checks}
