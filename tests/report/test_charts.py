"""What of a study is in the charts of its report."""

from cifar_repro.report import charts
from tests.report.test_report import a_study


def test_each_seed_of_a_spread_is_read_with_its_own_result() -> None:
    """The dots of test accuracy and test loss carry the names of the runs that they are of."""
    study = a_study()
    accuracy, loss = charts.spreads(study, None, None)
    for run in study["runs"]:
        test = run["test"]
        assert f">{run['folder']}: {100 * test['correct'] / test['total']:.2f} %<" in accuracy
        assert f">{run['folder']}: {test['loss']:.4f}<" in loss
