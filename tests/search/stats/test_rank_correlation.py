import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from search.stats.rank_correlation import agreement, spearman

VALUES = st.integers(0, 9).map(float)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=3, max_size=12))
def test_it_is_tau_b(pairs):
    one, other = zip(*pairs, strict=True)
    found, known = agreement(one, other).tau, kendalltau(one, other).statistic
    if found is None:
        assert math.isnan(known)
    else:
        assert found == pytest.approx(known)


def test_equal_rankings():
    found = agreement([1, 2, 3, 4], [10, 20, 30, 40])
    assert (found.tau, found.low, found.high, found.networks) == (1, 1, 1, 4)
    assert agreement([1, 2, 3, 4], [4, 3, 2, 1]).tau == -1


def test_the_interval_is_around_it_and_repeats():
    one, other = [3, 1, 4, 1.5, 5, 9, 2, 6], [2, 1, 5, 3, 4, 8, 7, 6]
    found = agreement(one, other, seed=1)
    assert -1 <= found.low < found.tau < found.high <= 1
    assert found == agreement(one, other, seed=1)
    wide, narrow = (agreement(one * k, [x + k / 100 for x in other * k], seed=1) for k in (1, 3))
    assert narrow.high - narrow.low < wide.high - wide.low


def test_ties_alone_tell_nothing():
    assert agreement([1, 1, 1], [1, 2, 3]).tau is None


NUMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12)


@given(NUMBERS)
def test_spearmans_correlation_equals_scipys(pairs):
    one, other = zip(*pairs, strict=True)
    if len(set(one)) > 1 and len(set(other)) > 1:
        assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    else:
        assert spearman(one, other) == -1
