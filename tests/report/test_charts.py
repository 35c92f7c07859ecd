"""What of a study is in the charts of its report."""

from cifar_repro.report import charts
from tests.report.pages import a_study, whole


def test_each_seed_of_a_spread_is_read_with_its_own_result() -> None:
    """The dots of test accuracy and test loss carry the names of the runs that they are of."""
    study = whole(a_study())
    assert study.test is not None
    accuracy, loss = charts.spreads(study, study.test, None, None)
    for run in study.runs:
        assert run.test is not None
        assert f">{run.folder}: {100 * run.test.accuracy:.2f} %<" in accuracy
        assert f">{run.folder}: {run.test.loss:.4f}<" in loss
