import pytest

from search.executors.gpus import Gpu
from search.executors.placement import placed

TWO = [Gpu(0, "GPU-a", "H100", 80 * 10**9), Gpu(1, "GPU-b", "H100", 80 * 10**9)]
FULL = Gpu(0, "GPU-a", "H100", 3 * 10**9)


def place(gpus=TWO, per_gpu="auto", workers=None, cores=64, graphed=True, mps=True):
    return placed(gpus, per_gpu=per_gpu, workers=workers, cores=cores, graphed=graphed, mps=mps)


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({}, 16),
        ({"mps": False}, 2),
        ({"mps": False, "graphed": False}, 16),
        ({"cores": 6}, 6),
        ({"cores": 1}, 2),
        ({"per_gpu": 3}, 6),
        ({"per_gpu": 3, "mps": False, "cores": 1}, 6),
        ({"workers": 5}, 5),
        ({"workers": 5, "per_gpu": 4}, 5),
        ({"gpus": [FULL]}, 2),
        ({"gpus": [Gpu(0, "GPU-a", "H100", 0)]}, 1),
    ],
)
def test_number_of_trials_at_a_time(options, number):
    assert len(place(**options).devices) == number


def test_gpus_take_turns():
    assert place(per_gpu=2).devices == ("cuda:0", "cuda:1", "cuda:0", "cuda:1")
    assert place(workers=3).devices == ("cuda:0", "cuda:1", "cuda:0")
    assert place(TWO[1:], workers=2).devices == ("cuda:1", "cuda:1")


def test_a_gpu_with_less_free_memory_gets_fewer_trials():
    devices = place([FULL, TWO[1]]).devices
    assert (devices.count("cuda:0"), devices.count("cuda:1")) == (2, 8)
    assert devices[:5] == ("cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:1")


def test_mps_is_for_gpus_that_are_shared():
    assert place().mps
    assert not place(per_gpu=1).mps
    assert not place(per_gpu=4, mps=False).mps


def test_the_decision_is_said_in_one_line():
    assert (
        place().text
        == "16 trials at a time on 2 GPUs (H100), which they share by MPS (executor.per_gpu=auto)"
    )
    assert place([FULL], per_gpu=1).text == "one trial at a time on one GPU (H100) (executor.per_gpu=1)"
