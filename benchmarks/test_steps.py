"""A training step of `Net` and its parts, on batches already in memory, beside the lesson's step."""

import pytest

from benchmarks import work
from benchmarks.measures import PLACES, device_timer

pytestmark = [
    pytest.mark.benchmark(timer=device_timer),
    pytest.mark.parametrize(("device", "threads"), PLACES),
]
BATCH_SIZES = pytest.mark.parametrize("batch_size", [20, 128, 512])
FORMATS = pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])


@FORMATS
@BATCH_SIZES
@pytest.mark.parametrize("part", ["forward", "backward", "training step"])
def test_engine(timed, data, part, batch_size, memory_format, device, threads):
    timed(f"{part}, batch {batch_size}", work.steps(data.train, batch_size, device, memory_format)[part])


@FORMATS
def test_optimizer_step(timed, data, memory_format, device, threads):
    """It works on weights, so the batch size does not matter."""
    timed("optimizer step", work.steps(data.train, 20, device, memory_format)["optimizer step"])


@BATCH_SIZES
def test_lesson(timed, data, batch_size, device, threads):
    name = "training step, lesson"
    timed(f"training step, batch {batch_size}", work.steps(data.train, batch_size, device, "contiguous")[name])
