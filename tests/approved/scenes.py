"""The scenes, by the name of the file that holds what was answered."""

from tests.approved import Scene
from tests.approved.of_runs import begun, runs, verification
from tests.approved.pages import reports, upgrades_and_audits
from tests.approved.studies_and_verdicts import against, published, studies
from tests.approved.traces_and_gates import diff, gate, matrix

SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        against,
        published,
        diff,
        matrix,
        gate,
        studies,
        begun,
        runs,
        verification,
        reports,
        upgrades_and_audits,
    )
}
