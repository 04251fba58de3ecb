"""The test of differences: intervals, and its error rate among equal networks."""

import math
import random

import pytest
from scipy import stats

from search.stats.confidence import image_deviation
from search.stats.differences import Differences, Spread
from search.stats.studentized_range import range_probability, range_quantile

TWO = Differences([[0.60, 0.62, 0.61], [0.63, 0.66, 0.64]], common_seeds=True)


@pytest.mark.parametrize("means", [2, 3, 10, 60])
@pytest.mark.parametrize("freedom", [1, 4, 20, math.inf])
def test_quantiles_of_the_studentized_range_are_scipys(means, freedom):
    value = range_quantile(0.95, means, freedom)
    assert value == pytest.approx(stats.studentized_range.ppf(0.95, means, freedom), rel=1e-3)
    assert range_probability(value, means, freedom) == pytest.approx(0.95, abs=1e-5)


def test_two_networks_with_common_seeds_are_compared_by_the_paired_t_test():
    interval = stats.ttest_rel(TWO.accuracies[1], TWO.accuracies[0]).confidence_interval(0.95)
    estimate = TWO.difference(1, 0)
    assert (estimate.low, estimate.high) == (
        pytest.approx(interval.low, rel=1e-3),
        pytest.approx(interval.high, rel=1e-3),
    )
    assert estimate.significant
    assert TWO.pairs() == [(1, 0)]


def test_two_networks_with_other_seeds_are_compared_by_students_t_test():
    one, other = [0.60, 0.62, 0.61, 0.63], [0.63, 0.66, 0.64]
    tested = Differences([one, other])
    interval = stats.ttest_ind(one, other).confidence_interval(0.95)
    assert tested.difference(0, 1).low == pytest.approx(interval.low, rel=1e-3)
    assert tested.p(0, 1) == pytest.approx(stats.ttest_ind(one, other).pvalue, rel=1e-3)


def test_several_networks_are_compared_by_tukeys_test():
    rng = random.Random(3)
    groups = [[rng.gauss(0.6 + 0.01 * k, 0.01) for _ in range(4)] for k in range(5)]
    tested, known = Differences(groups), stats.tukey_hsd(*groups)
    for one in range(5):
        for other in range(one):
            assert tested.difference(one, other).low == pytest.approx(
                known.confidence_interval().low[one][other], rel=1e-2
            )
            assert tested.p(one, other) == pytest.approx(known.pvalue[one][other], abs=1e-4)


def test_the_interval_of_one_network_is_students():
    alone = Differences([[0.60, 0.62, 0.61]])
    low, _ = stats.t.interval(0.95, 2, 0.61, stats.sem([0.60, 0.62, 0.61]))
    assert alone.mean(0).low == pytest.approx(low)


def test_one_seed_gives_no_interval():
    tested = Differences([[0.6], [0.7]], images=1000)
    assert tested.best == 1
    assert tested.mean(0).half is tested.behind(0).half is tested.p(0, 1) is None
    assert tested.pairs() == []


def test_the_best_is_not_behind_itself():
    assert TWO.behind(TWO.best).mean == 0
    assert not TWO.behind(TWO.best).significant
    assert Differences([[0.5, 0.5], [0.5, 0.5]], common_seeds=True).best == 0


def test_a_spread_of_zero_gives_no_interval_without_images():
    tested = Differences([[0.6, 0.6, 0.6], [0.61, 0.61, 0.61]])
    assert tested.difference(1, 0).half is None
    # With images their number limits what can be significant.
    assert not Differences(tested.accuracies, images=1000).difference(1, 0).significant
    assert Differences(tested.accuracies, images=1_000_000).difference(1, 0).significant


def test_hits_of_the_same_images_pair_the_networks():
    rng = random.Random(0)
    right = [float(rng.random() < 0.7) for _ in range(2000)]
    # The second network is right on the same images, and on a few more.
    better = [1.0 if rng.random() < 0.1 else hit for hit in right]
    rows = [[sum(hits) / 2000] for hits in (right, better)]
    spread = Spread(1e-6, 100)
    paired = Differences(rows, images=2000, hits=[right, better], spread=spread)
    assert (
        paired.difference(1, 0).half
        < 0.6 * Differences(rows, images=2000, spread=spread).difference(1, 0).half
    )
    assert paired.difference(1, 0).significant


@pytest.mark.parametrize(("networks", "seeds"), [(2, 2), (5, 3), (10, 3), (6, 5)])
@pytest.mark.parametrize("common", [False, True])
def test_equal_networks_are_rarely_called_different(networks, seeds, common):
    """The family-wise error rate: in 95 % of studies of equal networks no pair is significant."""
    rng, wrong, studies = random.Random(networks), 0, 500
    for _ in range(studies):
        shared = [rng.gauss(0, 0.02) if common else 0.0 for _ in range(seeds)]
        rows = [[0.6 + s + rng.gauss(0, 0.01) for s in shared] for _ in range(networks)]
        tested = Differences(rows, common_seeds=common)
        worst = min(range(networks), key=tested.means.__getitem__)
        wrong += tested.behind(worst).significant
    # Five standard deviations of a binomial count with p = 5 %.
    assert abs(wrong / studies - 0.05) < 5 * math.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize(("networks", "seeds"), [(5, 3), (10, 1)])
def test_equal_networks_on_the_same_images_are_rarely_called_different(networks, seeds):
    """The accuracies of equal networks that err on independent images of one validation split of 500."""
    rng, wrong, studies = random.Random(1), 0, 300
    for _ in range(studies):
        bases = [sum(rng.random() < 0.7 for _ in range(500)) / 500 for _ in range(networks)]
        rows = [[base + rng.gauss(0, 0.005) for _ in range(seeds)] for base in bases]
        spread = None if seeds > 1 else Spread(0.005, 8)
        wrong += bool(Differences(rows, images=500, spread=spread).pairs())
    assert wrong / studies < 0.1


@pytest.mark.parametrize("networks", [1, 2, 3])
def test_images_never_narrow_an_interval(networks):
    """With two seeds, the degrees of freedom alone would narrow it from 12.7 to 2 standard errors."""
    rows = [[0.60, 0.64], [0.61, 0.62], [0.66, 0.63]][:networks]
    seeds, both = (Differences(rows, common_seeds=True, images=images) for images in (None, 500))
    for one in range(networks):
        assert both.mean(one).half >= seeds.mean(one).half
        for other in range(one):
            assert both.difference(one, other).half >= seeds.difference(one, other).half
            assert both.p(one, other) >= seeds.p(one, other)
    assert Differences([[0.6, 0.6], [0.61, 0.61]], images=500).difference(1, 0).half > 0


def test_two_seeds_and_images_rarely_call_two_equal_networks_different():
    """The accuracies of two equal networks whose images vary less than their trainings. Else 13 % would differ."""
    rng, wrong, studies = random.Random(2), 0, 1000
    images = image_deviation(0.7, 2000)
    for _ in range(studies):
        bases = [0.7 + rng.gauss(0, images) for _ in range(2)]
        rows = [[base + rng.gauss(0, 6 * images) for _ in range(2)] for base in bases]
        wrong += bool(Differences(rows, common_seeds=True, images=2000).pairs())
    assert wrong / studies < 0.05 + 5 * math.sqrt(0.05 * 0.95 / studies)


def test_common_effects_of_seeds_do_not_hide_a_difference():
    rng = random.Random(1)
    shared = [rng.gauss(0, 0.05) for _ in range(3)]
    tested = Differences(
        [[m + s + rng.gauss(0, 0.002) for s in shared] for m in (0.60, 0.62, 0.64)], common_seeds=True
    )
    assert tested.best == 2
    assert tested.behind(0).significant
    assert tested.mean(0).half > 0.02
