"""The benchmarks' own arithmetic, clock and checks: a benchmark that measures the wrong thing must not look right."""

import math
import mmap
import re
import sys
import time
import warnings
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from pytest_benchmark.logger import PytestBenchmarkWarning
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import compare_epochs, epochs, gate_proof, measures, peers, test_epochs, work
from benchmarks.epochs import EpochResult
from cifar_repro.core import training
from cifar_repro.core.data import ImageSet
from cifar_repro.core.model import build_network
from cifar_repro.core.recipe import RECIPES, Seeds


@pytest.mark.parametrize("name", ["udacity", "pytorch-blitz", "keras-cnn"])
def test_flops_counted_from_the_layers_are_those_that_torch_counts(name):
    network = build_network(RECIPES[name]).eval()
    images = torch.zeros(2, 3, 32, 32)
    with FlopCounterMode(display=False) as forward:
        loss = network(images).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    assert 2 * measures.forward_flops(network) == forward.get_total_flops()
    assert 2 * measures.backward_flops(network) == backward.get_total_flops()


def test_the_clock_is_read_after_a_gpu_in_use_has_finished(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: calls.append("synchronize"))
    monkeypatch.setattr(time, "perf_counter", lambda: calls.append("clock") or 1.5)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert measures.device_timer() == 1.5
    assert calls == ["clock"]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert measures.device_timer() == 1.5
    assert calls == ["clock", "synchronize", "clock"]


@pytest.mark.skipif(measures.peak_memory("cpu") is None, reason="the system does not tell")
def test_peak_memory_counts_from_its_reset():
    """It is no less than what was in use at once, and no more than that and what was in use before.

    Neither bound moves where the system takes pages away from this process meanwhile. The kernel counts a part of them
    by CPU and adds it up later, so the peak can be some megabytes behind.
    """
    behind = 20e6

    def in_use() -> int:
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)[1]) * 1024

    for megabytes in (100, 50):  # the second peak is the lower one: the first is forgotten
        measures.reset_peak_memory("cpu")
        before = in_use()
        with mmap.mmap(-1, megabytes * 1_000_000) as fresh:  # what a tensor gets may be memory used before
            fresh.write(bytes(len(fresh)))
            at_once = in_use()
        assert at_once - behind < measures.peak_memory("cpu") < before + megabytes * 1_000_000 + behind


def test_peak_memory_is_told_in_bytes(monkeypatch, tmp_path):
    """What Linux calls kB are 1,024 of them (man 5 proc)."""
    (tmp_path / "status").write_text("VmPeak:\t  99999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
    monkeypatch.setattr(measures, "Path", lambda name: tmp_path / "status")
    assert measures.peak_memory("cpu") == 2**21


def test_rates_are_of_the_seconds_and_the_peak_given(monkeypatch):
    monkeypatch.setattr(measures, "sgemm_peak", lambda device, threads: 4e9)
    rates = measures.rates(images=10, flops=3_000_000_000, seconds=2.0, device="cpu")
    assert rates == {"images_per_s": 5.0, "gflop_per_s": 1.5, "sgemm_gflop_per_s": 4.0, "of_peak": 0.375}
    assert measures.rates(images=10, flops=0, seconds=2.0, device="cpu") == {"images_per_s": 5.0}


def test_the_peak_is_of_the_fastest_matrix_product(monkeypatch):
    clock = iter([0.0, 9.0, 10.0, 12.0, 20.0, 25.0])  # products of 9, 2 and 5 seconds
    monkeypatch.setattr(measures, "device_timer", lambda: next(clock))
    with FlopCounterMode(display=False) as counted:
        peak = measures.sgemm("cpu", n=8, rounds=3)
    assert peak == counted.get_total_flops() / 4 / 2.0  # 4 products, one to warm up


# ---- what is timed ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def works(small_data):
    few = ImageSet(small_data.train.images[:50], small_data.train.labels[:50])
    return {
        memory_format: work.steps(few, 20, "cpu", memory_format)
        | work.pipelines(few, 20, "cpu", memory_format)
        | work.validations(few, 20, "cpu", memory_format)
        for memory_format in ("contiguous", "channels_last")
    }


NAMES = ["forward", "backward", "optimizer step", "training step", "training step, lesson"]
NAMES += ["data", "data, lesson", "validation", "validation, lesson"]


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("name", NAMES)
def test_a_check_passes_time_after_time_for_what_is_timed(works, name, memory_format):
    timed = works[memory_format][name]
    for _ in range(2):
        timed.check(timed.run(*timed.ready()))


@pytest.mark.parametrize("name", NAMES)
def test_the_flops_of_what_is_timed_are_those_that_torch_counts_in_it(works, name):
    """And not those of what comes before it: the backward pass is timed without the forward pass."""
    timed = works["contiguous"][name]
    arguments = timed.ready()
    with FlopCounterMode(display=False) as counted:
        timed.run(*arguments)
    assert timed.flops == counted.get_total_flops()


@pytest.mark.parametrize("name", NAMES)
def test_a_check_fails_if_nothing_was_done(works, name):
    timed = works["contiguous"][name]
    timed.ready()
    with pytest.raises(AssertionError):
        timed.check(None)


def test_the_check_of_a_step_fails_without_the_update(works):
    """The right loss alone is not enough."""
    timed = works["contiguous"]["training step"]
    loss = timed.run(*timed.ready())
    timed.ready()
    with pytest.raises(AssertionError):
        timed.check(loss)


@pytest.mark.parametrize(
    "result",
    [
        EpochResult(2.3, 2.2, 1.0, steps=0),
        EpochResult(2.3, 2.2, 1.0, steps=399),
        EpochResult(math.nan, 2.2, 1.0, steps=400),
        EpochResult(2.3, 2.6, 1.0, steps=400),
        EpochResult(0.0, 0.0, 1.0, steps=400),
    ],
)
def test_the_check_of_another_frameworks_epoch_fails_if_it_was_not_all_done(result):
    epochs.check_done(EpochResult(2.3, 2.2, 1.0, steps=400), 10_000)
    with pytest.raises(AssertionError):
        epochs.check_done(result, 10_000)


def test_the_check_of_an_epoch_fails_for_a_network_that_did_not_learn(small_data):
    few = ImageSet(small_data.train.images[:200], small_data.train.labels[:200])
    recipe = epochs.ONE.with_changes({"learning_rate": 0.1})
    right = epochs.lesson(few, recipe, Seeds(), "cpu")
    epochs.check_same(epochs.OWN["channels_last"](few, recipe, Seeds(), "cpu"), right)
    with pytest.raises(AssertionError):
        epochs.check_same(epochs.lesson(few, recipe.with_changes({"learning_rate": 1e-30}), Seeds(), "cpu"), right)


def test_an_epoch_in_the_lessons_order_of_operations_must_have_the_lessons_losses_exactly():
    right = EpochResult(2.0, 2.0, 1.0)
    last_bit = EpochResult(math.nextafter(2.0, 3.0), 2.0, 1.0)
    epochs.check_same(last_bit, right)
    with pytest.raises(AssertionError, match="train_loss"):
        epochs.check_same(last_bit, right, exact=True)


@pytest.mark.parametrize("candidate", epochs.OWN)
def test_the_epoch_benchmark_fails_for_an_engine_that_does_not_update(candidate, small_data, monkeypatch):
    """Whichever is timed: no candidate is checked against its own losses."""
    monkeypatch.setattr(test_epochs, "_expected", {})
    monkeypatch.setattr(test_epochs, "EPOCH", 60)
    monkeypatch.setattr(test_epochs, "FEW", 20)
    monkeypatch.setattr(epochs, "ONE", epochs.ONE.with_changes({"learning_rate": 0.1}))  # learns in a few steps
    threads = torch.get_num_threads()

    def timed(group, work, rounds):
        work.check(work.run(*work.ready()))

    test_epochs._time_epoch(timed, small_data.train, candidate, "cpu", threads)
    test_epochs._expected.clear()
    monkeypatch.setattr(
        training, "make_optimizer", lambda recipe, network: torch.optim.SGD(network.parameters(), 1e-30)
    )
    with pytest.raises(AssertionError, match="train_loss"):
        test_epochs._time_epoch(timed, small_data.train, candidate, "cpu", threads)


def test_flops_of_an_epoch_are_of_training_and_validation(small_data):
    few = ImageSet(small_data.train.images[:50], small_data.train.labels[:50])
    with FlopCounterMode(display=False) as counted:
        epochs.OWN["contiguous"](few, epochs.ONE, Seeds(), "cpu")
    assert epochs.epoch_flops(50) == counted.get_total_flops()


def test_the_row_of_some_gates_says_how_many_called_what():
    """Slower, faster, and the median and range of the ratios and of what could be detected."""
    called = [
        (1.10, 1.02, True, False),
        (1.20, 1.04, True, False),
        (0.90, 1.03, False, True),
        (1.00, 1.05, False, False),
    ]
    names = ("ratio", "detectable", "slower", "faster")
    gates = [SimpleNamespace(**dict(zip(names, each, strict=True))) for each in called]
    expected = "| planted | 4 | 2 | 1 | 1.050 (0.900 to 1.200) | 1.035 (1.020 to 1.050) |"
    assert gate_proof.row("planted", gates) == expected


def test_seeds_at_once_count_as_many_as_they_are(monkeypatch, capsys):
    """Four seeds in twice the time of the lesson's one are twice as fast, and do twice its work a second."""
    seconds = {"lesson": 6.0, "contiguous": 3.0}
    clock = iter([0.0, 1.0] * 2 + [0.0, 12.0, 0.0, 12.0])  # of the seeds: to warm up, to read the images, two rounds
    pool = SimpleNamespace(map=lambda function, *given: [], submit=lambda *given: SimpleNamespace(result=lambda: 5e6))
    monkeypatch.setattr(compare_epochs, "CANDIDATES", seconds)
    monkeypatch.setattr(compare_epochs, "seconds_of", lambda name, *given, **more: seconds[name])
    monkeypatch.setattr(compare_epochs, "processes", lambda count: nullcontext(pool))
    monkeypatch.setattr(compare_epochs, "images", lambda where, n: range(n))
    monkeypatch.setattr(compare_epochs, "make_deterministic", lambda threads: None)
    monkeypatch.setattr(compare_epochs, "epoch_flops", lambda n: 12e9)
    monkeypatch.setattr(measures, "sgemm_peak", lambda device, threads: 8e9)
    monkeypatch.setattr(compare_epochs.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(sys, "argv", ["compare_epochs", "--threads", "4", "--rounds", "2", "--images", "100"])
    compare_epochs.main()
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "lesson 6.0 1.00 (1.00 to 1.00) 2.0 25.0% 5 MB" in lines
    assert "contiguous 3.0 2.00 (2.00 to 2.00) 4.0 50.0% 5 MB" in lines
    assert "seeds 12.0 2.00 (2.00 to 2.00) 4.0 50.0%" in lines
    assert "lesson: 20.0 seeds of 30 epochs an hour, 1 at a time" in lines
    assert "seeds: 40.0 seeds of 30 epochs an hour, 4 at a time" in lines


def test_a_framework_that_is_not_installed_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.missing("keras") == "keras is not installed: pip install 'cifar-repro[peers]'"
    assert peers.missing("lesson") == ""
    monkeypatch.setattr(peers, "find_spec", lambda name: object())
    assert peers.missing("keras") == ""


# How pytest is called


def test_what_pytest_benchmark_warns_of_is_no_error():
    """With no saved run yet, `--benchmark-compare` says so and goes on: its warning is not made an error of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("Can't compare.", PytestBenchmarkWarning, stacklevel=1)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("chosen", "processes"),
    [({}, True), ({"keyword": "flops"}, False), ({"lf": True}, False), ({"usepdb": True}, False)],
    ids=["all", "-k", "--lf", "--pdb"],
)
def test_tests_that_are_chosen_start_no_processes(pytestconfig, chosen, processes):
    """Plain `pytest` runs in several processes; `pytest -k NAME` does not wait for them to start."""
    hooks = pytestconfig.pluginmanager.getplugin(str(pytestconfig.rootpath / "conftest.py"))
    config = SimpleNamespace(args_source=pytest.Config.ArgsSource.TESTPATHS, option=SimpleNamespace())
    config.getoption = lambda name, default=None: {"numprocesses": None, **chosen}.get(name, default)
    config.option.numprocesses = None
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
        hooks.pytest_cmdline_main(config)
    assert (config.option.numprocesses is not None) == processes


@pytest.mark.parametrize("there", [True, False])
def test_without_pytest_timeout_its_setting_is_known(pytestconfig, there):
    """`pytest -p no:timeout` does not stop at the `timeout` of pyproject.toml."""
    hooks = pytestconfig.pluginmanager.getplugin(str(pytestconfig.rootpath / "conftest.py"))
    parser = Mock()
    hooks.pytest_addoption(parser, Mock(hasplugin=lambda name: there))
    assert [call.args[0] for call in parser.addini.call_args_list] == ["timeout"] * (not there)
