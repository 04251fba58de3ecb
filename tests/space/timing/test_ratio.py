from copy import deepcopy
from itertools import chain, repeat
from statistics import median

import pytest
import torch

from space.architecture import decode
from space.network.network import build
from space.timing.ratio import StepTime, median_and_spread, step_ratio

NETWORK = decode("r16_i4/mb_d2_k3_s2_e2_w8_se0.25/h8_c3")
REFERENCE = decode("r16_i4/fused_d1_k3_s2_e1_w8/h8_c5")


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    networks = build(NETWORK, dropout=0.5, drop_path=0.5), build(REFERENCE)
    return *networks, torch.randn(4, 3, 16, 16), torch.tensor([0, 1, 2, 0])


def scripted(*milliseconds):
    """A timer that runs nothing and says these milliseconds, in the order network, reference, network, ..."""
    script, order = chain.from_iterable(milliseconds), []

    def timer(step):
        step()
        order.append(step)
        return next(script), 100.0

    timer.order = order
    return timer


def alternating(ratios):
    """Times that give these ratios of network to reference, in the order in which they are asked for."""
    for number, ratio in enumerate(ratios):
        yield from (2.0, 2 * ratio) if number % 2 else (2 * ratio, 2.0)


def test_it_measures_a_real_step(inputs):
    measured = step_ratio(*inputs, pairs=3, warmup=1, max_pairs=3)
    assert isinstance(measured, StepTime)
    assert measured.pairs == 3
    assert measured.ratio > 0
    assert measured.spread >= 0
    for ms in (measured.ms, measured.reference_ms, measured.wall_ms, measured.reference_wall_ms):
        assert 0 < ms < 60_000


def test_nothing_is_left_behind(inputs):
    network, reference, batch, labels = inputs
    reference.eval()
    network(batch).sum().backward()
    before = deepcopy([one.state_dict() for one in (network, reference)])
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    random_state, threads = torch.get_rng_state(), torch.get_num_threads()
    step_ratio(network, reference, batch, labels, pairs=2, warmup=1, max_pairs=2)
    for one, state in zip((network, reference), before, strict=True):
        assert all(torch.equal(tensor, state[name]) for name, tensor in one.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(network.parameters(), gradients, strict=True))
    assert all(parameter.grad is None for parameter in reference.parameters())
    assert (network.training, reference.training) == (True, False)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.get_num_threads() == threads


def test_a_steady_ratio_takes_one_round(inputs):
    timer = scripted(alternating(repeat(1.5)))
    measured = step_ratio(*inputs, timer=timer)
    assert measured == StepTime(1.5, 0, 13, 3.0, 2.0, 100.0, 100.0)
    # They take turns, and in turns at being first: network, reference, reference, network, ...
    network, reference = timer.order[:2]
    assert timer.order == ([network, reference, reference, network] * 7)[:26]


def test_rounds_are_added_until_the_interval_is_small(inputs):
    """Two wild rounds, then calm: the wild ratios become the tails that the interval leaves out."""
    wild = [1, 3] * 3
    measured = step_ratio(*inputs, pairs=6, timer=scripted(alternating(chain(wild, repeat(2)))))
    assert measured.ratio == 2
    assert measured.spread == 0
    assert measured.pairs == 18
    ratios = [*wild, *[2] * 6]
    assert median_and_spread(ratios)[1] > 0.03
    assert median_and_spread([*ratios, *[2] * 6])[1] == 0


def test_rounds_end_at_the_limit(inputs):
    ratios = [1, 3] * 20
    measured = step_ratio(*inputs, pairs=6, max_pairs=20, timer=scripted(alternating(ratios)))
    assert measured.pairs == 20
    assert measured.spread > 0.03


def test_the_interval_of_amedian_and_spread():
    """The bounds of 13 values are the third from either end: fewer than 3 heads of 13 have a probability of 1.1%."""
    middle, spread = median_and_spread([float(value) for value in range(94, 107)])
    assert (middle, spread) == (100, (104 - 96) / 2 / 100)
    assert median_and_spread([1.0, 2.0, 3.0]) == (2, 0.5)
    assert median_and_spread([4.0]) == (4, 0)


def test_the_interval_covers_the_median_as_often_as_it_says():
    generator = torch.Generator().manual_seed(5)
    covered = 0
    for _ in range(1000):
        sample = (1 + torch.rand(13, generator=generator)).tolist()
        k = 3
        covered += sorted(sample)[k - 1] <= 1.5 <= sorted(sample)[-k]
        assert median_and_spread(sample)[1] == pytest.approx(
            (sorted(sample)[-k] - sorted(sample)[k - 1]) / 2 / median(sample)
        )
    assert 0.95 <= covered / 1000 <= 0.995


def test_it_runs_under_autocast(inputs):
    seen = []
    inputs[0].head.classifier.register_forward_hook(lambda module, x, y: seen.append(y.dtype))
    step_ratio(*inputs, pairs=1, warmup=1, max_pairs=1, dtype=torch.bfloat16)
    assert set(seen) == {torch.bfloat16}
