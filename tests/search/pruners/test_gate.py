"""The decision which rungs are used."""

import random

from helpers.rungs import trial

from search.pruners.gate import MIN_PILOTS, RungGate, lower_bound
from search.stats.rank_correlation import spearman


def test_the_bound_is_below_the_correlation_and_the_same_at_any_time():
    rng = random.Random(1)
    one = tuple(rng.random() for _ in range(12))
    other = tuple(value + rng.gauss(0, 0.1) for value in one)
    found = lower_bound(one, other)
    lower_bound.cache_clear()
    assert found == lower_bound(one, other) < spearman(one, other)
    assert lower_bound(one, one) == 1
    assert lower_bound(one, other[::-1]) < 0.5


def pilots(count, low=lambda n: n, middle=lambda n: n, **changed):
    """Pilot trials with these rewards at the lower rungs (functions of their number), their number at the last."""
    found = [trial(n, {1: low(n), 3: middle(n), 9: n}) for n in range(count)]
    for number, rewards in changed.items():
        found[int(number[1:])] = rewards
    return found


def gate(trials, by_accuracy=False):
    return RungGate.of((1, 3, 9), trials, 12, 0.7, by_accuracy)


def test_a_rung_that_ranks_is_used_and_one_that_does_not_is_not():
    found = gate(pilots(12, low=lambda n: -n))
    assert (found.decided, found.used, found.bounds[1]) == (True, (3, 9), 1)
    assert str(found) == (
        "pruning is on, with rungs of 3 and 9 epochs: rank correlation with 9 epochs, lower bound over 12 networks: "
        "-1.00 at 1, 1.00 at 3 (0.70 needed)"
    )
    assert gate(pilots(12)).used == (1, 3, 9)
    none = gate(pilots(12, low=lambda n: -n, middle=lambda n: n % 2))
    assert none.used == (9,)
    assert str(none).startswith("pruning is off: rank correlation")
    assert gate(pilots(12, low=lambda n: -n), by_accuracy=True).used == (3, 9)


def test_nothing_is_decided_before_all_pilots_are_over():
    for undone in (pilots(11), pilots(12, n4=trial(4, {1: 0.1, 3: 0.1}, "pruned"))):
        found = gate(undone)
        assert (found.decided, found.used, found.finished) == (False, (9,), 11)
        assert str(found) == "rungs of 1, 3 and 9 epochs: 11 of the 12 pilot networks finished all rungs"


def test_failures_are_left_out_and_with_too_few_networks_no_rung_is_used():
    failed = {f"n{n}": trial(n, {1: 0.5}, "failed") for n in range(12 - MIN_PILOTS)}
    assert gate(pilots(12, **failed)).used == (1, 3, 9)
    failed[f"n{11}"] = trial(11, {}, "failed")
    found = gate(pilots(12, **failed))
    assert (found.decided, found.used) == (True, (9,))
    assert str(found) == "pruning is off: only 7 of the pilot networks finished all rungs (8 needed)"


def test_without_results_at_the_rungs_none_is_used():
    found = gate([trial(n, {9: n}) for n in range(12)])
    assert (found.decided, found.finished, found.used) == (True, 0, (9,))
