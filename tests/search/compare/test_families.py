import math
import random

import numpy as np
import pytest

from search.compare.comparison import Trained
from search.compare.contender import Contender
from search.compare.evaluation import Evaluation
from search.compare.families import areas, curves, same_accuracy
from search.stats.hits import encode_hits
from space import decode

NETWORK = decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/h8_c2")


def trained(family, level, accuracy, images=400, seeds=2):
    """A network whose trainings classify about this share of images correctly, the easy ones first."""
    rng, evaluations = random.Random(level), []
    for _ in range(seeds):
        hits = [place < accuracy * images or rng.random() < 0.02 for place in range(images)]
        evaluations.append(Evaluation(sum(hits) / images, 0.5, images, encode_hits(hits)))
    return Trained(
        Contender(f"{family} {level}", NETWORK, "", family, level), tuple(evaluations), 1.0, seconds=1.0
    )


EVERY = [
    *(trained("ours", level, accuracy) for level, accuracy in enumerate((0.6, 0.7, 0.8))),
    *(trained("theirs", level, accuracy) for level, accuracy in enumerate((0.5, 0.6, 0.7))),
]
COSTS = [1.0, 2.0, 4.0] * 2


def test_a_curve_runs_from_cheap_to_expensive_with_bootstrap_draws():
    ours, theirs = curves(EVERY[::-1], COSTS[::-1])[::-1]
    assert (ours.family, theirs.family) == ("ours", "theirs")
    assert ours.costs == (1.0, 2.0, 4.0) and ours.names == ("ours 0", "ours 1", "ours 2")
    assert ours.means == tuple(sum(one.accuracies) / 2 for one in EVERY[:3])
    for draws, mean in zip(ours.draws, ours.means, strict=True):
        low, middle, high = np.quantile(draws, [0.25, 0.5, 0.75])
        assert middle == pytest.approx(mean, abs=0.005)
        spread = (high - low) / 1.349  # Of a normal distribution; two seeds give longer tails.
        assert 0.015 < spread < 0.03  # The choice of 400 images alone gives 0.02 to 0.025.


def test_the_area_counts_accuracy_times_doublings():
    families = curves(EVERY, COSTS)
    ours, theirs = areas(families, (0.5, 8.0))
    means = families[0].means
    assert ours.value == pytest.approx(sum(mean - 0.5 for mean in means))
    assert ours.low < ours.value < ours.high and ours.difference is None
    assert theirs.difference.mean == pytest.approx(theirs.value - ours.value)
    assert theirs.difference.significant


def test_equal_accuracy_at_less_cost():
    ours, theirs = curves(EVERY, COSTS)
    same = same_accuracy(ours, theirs)
    assert same.name == "theirs 2" and same.cost == 4.0
    assert same.ratio == pytest.approx(0.5, abs=0.05)
    assert same.low < 0.5 < same.high < 1 and not same.bound
    back = same_accuracy(theirs, ours)
    assert back.ratio is None and back.high == math.inf


def test_below_the_cheapest_member_the_ratio_is_a_bound():
    ours, theirs = curves([trained("ours", 0, 0.9), trained("theirs", 0, 0.5)], [1.0, 3.0])
    same = same_accuracy(ours, theirs)
    assert same.bound and same.ratio == pytest.approx(1 / 3)


def test_without_hits_seeds_alone_are_drawn():
    every = [
        Trained(one.contender, tuple(Evaluation(a, 0, 400, "") for a in accuracies), 1.0, 1.0)
        for one, accuracies in zip(EVERY, [(0.60, 0.62), (0.70, 0.68)] * 3, strict=True)
    ]
    draws = np.array([draw for curve in curves(every, COSTS) for draw in curve.draws])
    assert np.median(draws, 1) == pytest.approx([0.61, 0.69] * 3, abs=0.002)
    # The residuals are +-0.01, 12 of them with 5 degrees of freedom, and a mean is over two seeds.
    half = 2.571 * math.sqrt(12 * 0.01**2 / 5 / 2)
    assert np.quantile(draws, 0.975, 1) - np.median(draws, 1) == pytest.approx([half] * 6, rel=0.15)


def test_what_a_seed_does_to_all_networks_alike_is_as_uncertain_as_the_seeds_are_few():
    every = [
        Trained(one.contender, tuple(Evaluation(a, 0, 400, "") for a in (0.60, 0.61, 0.62)), 1.0, 1.0)
        for one in EVERY
    ]
    draws = np.array([draw for curve in curves(every, COSTS) for draw in curve.draws])
    assert np.allclose(draws, draws[0])
    # Student's t with 2 degrees of freedom, and the standard error of a mean over three seeds.
    assert np.quantile(draws[0], 0.975) - 0.61 == pytest.approx(4.303 * 0.01 / math.sqrt(3), rel=0.2)


def test_a_single_seed_has_no_seed_effect():
    every = [Trained(EVERY[0].contender, (Evaluation(0.6, 0, 400, ""),), 1.0, 1.0)]
    assert set(curves(every, [1.0])[0].draws[0]) == {0.6}
