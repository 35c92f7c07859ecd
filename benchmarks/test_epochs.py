"""Passes over many images: the data pipeline alone, validation, and a whole epoch, beside the lesson's and peers'."""

import pytest

from benchmarks import epochs, measures, work
from benchmarks.peers import PEERS, missing
from cifar_repro.core.data import ImageSet
from cifar_repro.core.recipe import Seeds

pytestmark = pytest.mark.benchmark(timer=measures.device_timer)
EVERYWHERE = pytest.mark.parametrize(("device", "threads"), measures.PLACES)
CANDIDATES = epochs.OWN | PEERS
PASS, EPOCH, FEW = 2_000, 10_000, 500  # images
ROUNDS = 2


def _first(data: ImageSet, n: int) -> ImageSet:
    return ImageSet(data.images[:n], data.labels[:n])


@EVERYWHERE
@pytest.mark.parametrize("candidate", epochs.OWN)
def test_data(timed, data, candidate, device, threads):
    memory_format = "contiguous" if candidate == "lesson" else candidate
    works = work.pipelines(_first(data.train, PASS), 20, device, memory_format)
    timed("data pipeline", works["data, lesson" if candidate == "lesson" else "data"])


@EVERYWHERE
@pytest.mark.parametrize("candidate", epochs.OWN)
def test_validation(timed, data, candidate, device, threads):
    memory_format = "contiguous" if candidate == "lesson" else candidate
    works = work.validations(_first(data.train, PASS), 20, device, memory_format)
    timed("validation", works["validation, lesson" if candidate == "lesson" else "validation"])


@EVERYWHERE
@pytest.mark.parametrize("candidate", epochs.OWN)
def test_epoch(timed, data, candidate, device, threads):
    _time_epoch(timed, data.train, candidate, device, threads)


@pytest.mark.parametrize(("device", "threads"), measures.ALL_CORES)
@pytest.mark.parametrize("candidate", PEERS)
def test_peer_epoch(timed, data, candidate, device, threads):
    if missing(candidate):
        pytest.skip(missing(candidate))
    _time_epoch(timed, data.train, candidate, device, threads)


def _time_epoch(timed, data: ImageSet, candidate: str, device: str, threads: int) -> None:
    """Splitting the images and building the network are in the time, for every candidate."""
    images = _first(data, EPOCH)

    def run() -> epochs.EpochResult:
        return CANDIDATES[candidate](images, epochs.ONE, Seeds(), device)

    def check(result: epochs.EpochResult) -> None:
        if candidate in PEERS:
            epochs.check_done(result, len(images))
        else:
            expected = _untimed(epochs.REFERENCE[candidate], images, device, threads)
            epochs.check_same(result, expected, exact=device == "cpu" and candidate != "channels_last")

    CANDIDATES[candidate](_first(data, FEW), epochs.ONE, Seeds(), device)  # warm-up, imports included
    timed("epoch", work.Work(tuple, run, check, len(images), epochs.epoch_flops(len(images))), rounds=ROUNDS)


_expected: dict[tuple[str, str, int], epochs.EpochResult] = {}


def _untimed(candidate: str, images: ImageSet, device: str, threads: int) -> epochs.EpochResult:
    """What the candidate gives, worked out once for each place."""
    where = (candidate, device, threads)
    if where not in _expected:
        _expected[where] = CANDIDATES[candidate](images, epochs.ONE, Seeds(), device)
    return _expected[where]
