from copy import deepcopy
from itertools import chain, repeat

import pytest
import torch

from space.architecture import decode
from space.network.network import build
from space.timing.standalone import peak_memory, step_time

NETWORK = decode("r16_i4/mb_d2_k3_s2_e2_w8_se0.25/h8_c3")


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    return build(NETWORK), torch.randn(4, 3, 16, 16), torch.tensor([0, 1, 2, 0])


def scripted(*times):
    script = chain(*times)

    def timer(step):
        found = next(script)
        return found if isinstance(found, tuple) else (found, found)

    return timer


def idle():
    return 1.0


def test_a_real_step(inputs):
    network, images, labels = inputs
    before = deepcopy(network.state_dict())
    found = step_time(network, images, labels, max_steps=6)
    assert 0 < found.ms < 60_000
    assert found.repeats >= 6
    assert (found.batch, found.resolution) == (4, 16)
    assert (found.device.kind, found.device.threads, found.device.precision) == ("cpu", 1, "float32")
    assert found.device.torch == torch.__version__.split("+")[0] or found.device.torch == torch.__version__
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert network.training


def test_a_steady_step_on_an_idle_machine(inputs):
    found = step_time(*inputs, timer=scripted(repeat(4.0)), load=idle)
    assert (found.ms, found.spread, found.repeats, found.warmup, found.doubts) == (4.0, 0.0, 6, 6, ())
    assert found.reliable


def test_warm_up_goes_on_until_steps_take_the_same(inputs):
    cold = [90.0, 60.0, 40.0, 20.0, 12.0, 11.0, 10.0, 10.0, 10.0]
    found = step_time(*inputs, timer=scripted(cold, repeat(10.0)), load=idle)
    assert found.warmup == 11
    assert found.ms == 10


def test_waiting_for_other_processes_is_detected(inputs):
    found = step_time(*inputs, timer=scripted(repeat((4.0, 8.0))), load=lambda: 3.2)
    assert not found.reliable
    assert found.doubts == (
        "wall time is 2.00 times the time on the device",
        "other processes compute: the load is 3.2",
    )


def test_a_drift_is_noticed(inputs):
    slower = [10.0] * 6 + [10.0] * 4 + [11.0] * 56
    found = step_time(*inputs, timer=scripted(slower), load=idle, tolerance=0.001, max_steps=20)
    # The second take is steady, and so the one that counts.
    assert found.reliable
    assert found.ms == 11


def test_the_take_with_the_fewest_doubts_counts(inputs):
    takes = [*[(10.0, 30.0)] * 6, *[(10.0, 10.0)] * 6]
    found = step_time(*inputs, timer=scripted([10.0] * 6, takes), load=idle)
    assert found.wall_ms == 10
    assert found.reliable


def test_one_that_never_settles_says_so(inputs):
    found = step_time(
        *inputs, timer=scripted(repeat(4.0, 6), *repeat((1.0, 2.0, 3.0), 99)), load=idle, max_steps=15
    )
    assert found.repeats == 15
    assert "the median is known within" in found.doubts[0]


@pytest.mark.parametrize(("slow", "p95"), [(1, 4.0), (2, 9.0)])
def test_the_tail_of_the_repetitions(inputs, slow, p95):
    takes = 3 * ([4.0] * (20 - slow) + [9.0] * slow)
    timer = scripted([4.0] * 6, takes)
    found = step_time(*inputs, timer=timer, load=idle, tolerance=-1, max_steps=20)
    assert (found.ms, found.p95) == (4.0, p95)


def test_memory_at_the_peak(inputs):
    """Weights, gradients and momentum once, and what backward keeps once for each image."""
    network, images, labels = inputs
    own = sum(p.numel() for p in network.parameters()) * 4
    buffers = sum(b.numel() * b.element_size() for b in network.buffers())
    once = peak_memory(network, images, labels)
    assert once > 3 * own + buffers + images.numel() * 4
    twice = peak_memory(network, images.repeat(2, 1, 1, 1), labels.repeat(2))
    kept = once - 3 * own - buffers
    assert twice - 3 * own - buffers == pytest.approx(2 * kept, rel=0.05)
    assert peak_memory(network, images, labels, torch.bfloat16) - 3 * own - buffers < 0.8 * kept
