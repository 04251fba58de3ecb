from copy import deepcopy

import pytest
import torch

from space.architecture import decode
from space.network.network import build
from space.plan import plan
from space.timing.per_block import _marked_step, _parts, block_times
from space.timing.ratio import training_step

NETWORK = decode("r16_i4/mb_d2_k3_s2_e2_w8_se0.25/fused_d1_k3_s1_e1_w8/h8_c3")


class Counting:
    """Marks whose moments are what they are told to be; without a script, 0, 1, 2, ..."""

    def __init__(self, script=None):
        self.script, self.marked, self.read_times = script, 0, []

    def mark(self):
        self.marked += 1

    def read(self):
        count, self.marked = self.marked, 0
        self.read_times.append(count)
        return self.script[:count] if self.script else [float(number) for number in range(count)]


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    network = build(NETWORK)
    images, labels = torch.randn(4, 3, 16, 16), torch.tensor([0, 1, 2, 0])
    return network, images, labels, training_step(build(NETWORK), images, labels, None)


def test_each_block_has_its_time(inputs):
    found = block_times(*inputs, steps=2, warmup=1, max_steps=2)
    assert len(found.blocks) == len(plan(NETWORK)) == 5
    assert all(time > 0 for time in (*found.blocks, found.rest, found.reference_ms))
    assert found.step == pytest.approx(sum(found.blocks) + found.rest, rel=0.5)
    assert found.wall > 0.5


def test_the_moments_of_a_step(inputs):
    """Six forward, where each of five blocks and the classifier begin, and six backward."""
    marks = Counting()
    found = block_times(*inputs, steps=1, warmup=2, max_steps=1, marks=marks, timer=fixed(inputs[-1], 20.0))
    assert marks.read_times == [12, 12, 12]
    # A millisecond between all of them: two for each block, and the reference takes ten.
    assert found.blocks == pytest.approx((0.2,) * 5)
    assert found.rest == pytest.approx(1.0)
    assert (found.step, found.reference_ms, found.wall, found.spread) == (2.0, 10.0, 2.0, 0.0)


def fixed(reference, ms):
    """A timer by which a step takes `ms`, the reference half of it, and the wall clock twice as long."""

    def timer(step):
        step()
        own = ms / 2 if step is reference else ms
        return own, 2 * own

    return timer


def test_forward_and_backward_of_a_block_belong_together():
    # Blocks A, B: forward 1 and 2, classifier and loss 10, backward B 4, A 8, optimiser 100.
    moments = [0.0, 1.0, 3.0, 13.0, 17.0, 25.0]
    assert _parts(moments, 125.0) == [1 + 8, 2 + 4, 125 - 15]


def test_steps_are_added_until_the_interval_is_small(inputs):
    reference = inputs[-1]
    wild = iter([10.0, 30.0, 10.0, 30.0, *[20.0] * 20])

    def timer(step):
        step()
        return (20.0, 20.0) if step is reference else (next(wild), 20.0)

    found = block_times(*inputs, steps=4, warmup=0, max_steps=12, timer=timer, marks=Counting())
    assert found.step == 1
    assert found.spread == 0


def test_the_network_stays_as_it_was(inputs):
    network, *rest = inputs
    before = deepcopy(network.state_dict())
    block_times(network, *rest, steps=1, warmup=0, max_steps=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_marks_change_no_gradient(inputs):
    network, images, labels, _ = inputs
    plain, marked = deepcopy(network), deepcopy(network)
    training_step(plain, images, labels, None)()
    _marked_step(marked, images, labels, None, Counting())()
    for one, other in zip(plain.parameters(), marked.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
