"""Whether a rung may decide."""

import random

import pytest
from climbing import trial
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from search.pruners.gate import FEWEST, Gate, lower_bound, spearman

NUMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12)


@given(NUMBERS)
def test_the_rank_correlation_is_scipys(pairs):
    one, other = zip(*pairs, strict=True)
    if len(set(one)) > 1 and len(set(other)) > 1:
        assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    else:
        assert spearman(one, other) == -1


def test_the_bound_is_below_the_correlation_and_the_same_at_any_time():
    rng = random.Random(1)
    one = tuple(rng.random() for _ in range(12))
    other = tuple(value + rng.gauss(0, 0.1) for value in one)
    found = lower_bound(one, other)
    lower_bound.cache_clear()
    assert found == lower_bound(one, other) < spearman(one, other)
    assert lower_bound(one, one) == 1
    assert lower_bound(one, other[::-1]) < 0.5


def judging(count, low=lambda n: n, middle=lambda n: n, **changed):
    """Trials of which all but the last rung say what these functions of the number do."""
    found = [trial(n, {1: low(n), 3: middle(n), 9: n}) for n in range(count)]
    for number, rewards in changed.items():
        found[int(number[1:])] = rewards
    return found


def gate(trials, several=False):
    return Gate.of((1, 3, 9), trials, 12, 0.7, several)


def test_a_rung_that_ranks_is_used_and_one_that_does_not_is_not():
    found = gate(judging(12, low=lambda n: -n))
    assert (found.over, found.used, found.bounds[1]) == (True, (3, 9), 1)
    assert str(found) == (
        "rungs: those of 3 and 9 epochs are used; rank correlation with 9 epochs, lower bound over 12 networks: "
        "-1.00 at 1, 1.00 at 3; needed 0.70"
    )
    assert gate(judging(12)).used == (1, 3, 9)
    none = gate(judging(12, low=lambda n: -n, middle=lambda n: n % 2))
    assert none.used == (9,)
    assert str(none).startswith("rungs: none is used; rank correlation")
    assert gate(judging(12, low=lambda n: -n), several=True).used == (3, 9)


def test_it_is_not_over_before_all_of_them_are():
    for undone in (judging(11), judging(12, n4=trial(4, {1: 0.1, 3: 0.1}, "pruned"))):
        found = gate(undone)
        assert (found.over, found.used, found.networks) == (False, (9,), 11)
        assert str(found) == "rungs of 1, 3 and 9 epochs: 11 of the first 12 networks have run all"


def test_failures_are_left_out_and_too_few_networks_decide_for_none():
    failed = {f"n{n}": trial(n, {1: 0.5}, "failed") for n in range(12 - FEWEST)}
    assert gate(judging(12, **failed)).used == (1, 3, 9)
    failed[f"n{11}"] = trial(11, {}, "failed")
    found = gate(judging(12, **failed))
    assert (found.over, found.used) == (True, (9,))
    assert str(found) == "rungs: none is used, since of the first networks only 7 have run all"


def test_networks_of_a_search_that_had_no_rungs_decide_for_none():
    found = gate([trial(n, {9: n}) for n in range(12)])
    assert (found.over, found.networks, found.used) == (True, 0, (9,))
