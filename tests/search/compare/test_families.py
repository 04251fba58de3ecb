import math
import random

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
        assert sum(draws) / len(draws) == pytest.approx(mean, abs=0.005)
        spread = math.sqrt(sum((one - mean) ** 2 for one in draws) / len(draws))
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
        Trained(one.contender, tuple(Evaluation(e.accuracy, 0, 400, "") for e in one.evaluations), 1.0, 1.0)
        for one in EVERY
    ]
    first, second = every[0].accuracies
    means = {round(value, 9) for value in (first, second, (first + second) / 2)}
    assert {round(value, 9) for value in curves(every, COSTS)[0].draws[0]} == means
