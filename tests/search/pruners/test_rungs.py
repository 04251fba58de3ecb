"""The choice of what is trained at which rung next."""

import random
from dataclasses import replace
from statistics import fmean

import pytest
from helpers.rungs import LAST, trial
from hypothesis import given
from hypothesis import strategies as st

from search.pruners import Ladder
from search.pruners.rungs import completed_work, remaining_work

BARE = Ladder((1, 3, LAST))


def climbed(ladder, total, workers, seed, ranks=True, failing=0.0):
    """The trials of a search whose trainings end in any order, and (number, epochs, field) of each that began.

    ranks: whether shorter trainings rank as the full one does.
    """
    rng = random.Random(seed)
    worth = [rng.random() for _ in range(total)]
    trials, at_work, log = [], {}, []

    def begin(each):
        epochs = ladder.next_epochs(each, trials)
        at_work[each.number] = epochs
        seen = {rung.result.epochs: rung.terms.reward for rung in each.rungs}
        trials[each.number] = trial(each.number, seen, "running")
        log.append((each.number, epochs))

    while True:
        while len(at_work) < workers:
            if promoted := ladder.promoted(trials):
                begin(promoted)
            elif len(trials) < total:
                trials.append(trial(len(trials), {}, "waiting"))
                begin(trials[-1])
            else:
                break
        if not at_work:
            return trials, log
        number = rng.choice(list(at_work))
        epochs = at_work.pop(number)
        seen = {rung.result.epochs: rung.terms.reward for rung in trials[number].rungs}
        if rng.random() < failing:
            trials[number] = trial(number, seen, "failed")
            continue
        seen[epochs] = worth[number] if ranks or epochs == LAST else rng.random()
        trials[number] = trial(number, seen, "complete" if epochs == LAST else "pruned")


@given(
    st.integers(10, 60),
    st.integers(1, 20),
    st.integers(0, 9),
    st.sampled_from([0, 12]),
    st.booleans(),
    st.sampled_from([0.0, 0.1]),
)
def test_every_network_climbs_rung_by_rung_and_none_is_forgotten(total, workers, seed, count, ranks, failing):
    ladder = Ladder((1, 3, LAST), 3, count, 0.7)
    trials, log = climbed(ladder, total, workers, seed, ranks, failing)
    assert len(log) == len(set(log))
    assert len(trials) == total
    used = ladder.used(trials)
    pilots = {each.number for each in ladder.pilot_trials(trials)}
    for each in trials:
        run = [epochs for number, epochs in log if number == each.number]
        assert run == sorted(run)
        if each.number in pilots and each.state == "complete":
            assert run == [1, 3, LAST]
        assert each.state != "pruned" or (each.number not in pilots and set(run) < set(used))
    assert ladder.promoted(trials) is None
    assert remaining_work(ladder, trials, total).work == 0
    behind = sum(epochs for number, epochs in log if trials[number].state != "failed") / LAST
    if not failing:
        assert completed_work(ladder, trials) == pytest.approx(behind)


def test_about_one_in_three_goes_on_and_the_best_are_among_them():
    """More than a third of all: at their time they were in the best third."""
    trials, log = climbed(BARE, 60, 1, 3)
    further = {number for number, epochs in log if epochs == 3}
    assert 20 <= len(further) <= 30
    assert {each.number for each in BARE.ranked(trials, 1)[:20]} <= further
    best = max(trials, key=lambda each: each.rungs[0].terms.reward)
    assert best.state == "complete"


def test_a_pruned_network_is_promoted_when_enough_others_have_finished():
    found = [trial(0, {1: 0.9}, "pruned"), trial(1, {1: 0.5}, "pruned"), trial(2, {1: 0.8}, "pruned")]
    assert BARE.promoted(found[:2]) is None
    assert BARE.promoted(found).number == 0
    found[0] = trial(0, {1: 0.9}, "running")
    assert BARE.promoted(found) is None
    found += [trial(n, {1: 0.1}, "pruned") for n in (3, 4, 5)]
    assert BARE.promoted(found).number == 2
    assert BARE.next_epochs(BARE.promoted(found), found) == 3
    # A higher rung comes first, whatever waits at a lower one.
    found[0] = trial(0, {1: 0.9, 3: 0.9}, "pruned")
    found += [trial(n, {1: 0.1, 3: 0.1}, "failed") for n in (6, 7)]
    assert BARE.promoted(found).number == 0
    assert BARE.next_epochs(found[0], found) == LAST


def test_rungs_that_do_not_rank_are_not_used():
    ladder = Ladder((1, 3, LAST), pilots=12)
    trials, log = climbed(ladder, 30, 1, 0, ranks=False)
    assert ladder.used(trials) == (LAST,)
    assert [each.state for each in trials] == ["complete"] * 30
    assert [epochs for number, epochs in log if number >= 12] == [LAST] * 18


def test_other_networks_get_the_full_training_until_the_pilots_have_decided():
    """Forty workers: the first twelve networks are trained at all rungs, and no other waits for them."""
    ladder = Ladder((1, 3, LAST), pilots=12)
    _, log = climbed(ladder, 40, 40, 0)
    assert [epochs for _, epochs in log[:40]] == [1] * 12 + [LAST] * 28


def test_each_training_of_a_network_has_its_own_seed_and_the_full_one_the_trials():
    assert [BARE.seed(7, epochs) for epochs in (1, 3, LAST)] == [5, 6, 7]
    assert [BARE.seed(0, epochs) for epochs in (1, 3, LAST)] == [2**32 - 2, 2**32 - 1, 0]
    assert Ladder((LAST,)).seed(0, LAST) == 0


def test_remaining_work_is_counted_in_full_trainings():
    assert remaining_work(Ladder((LAST,)), [], 20) == remaining_work(Ladder((LAST,), pilots=12), [], 20)
    assert remaining_work(Ladder((LAST,)), [trial(0, {LAST: 1})], 20).work == 19
    # Each rung costs as much as the one below it, and a little more.
    assert remaining_work(BARE, [], 90).work == pytest.approx(90 * (1 + 1.23 + 1.23**2) / 9)
    assert remaining_work(BARE, [], 90).complete == 15
    gated = Ladder((1, 3, LAST), pilots=12)
    assert remaining_work(gated, [], 50).work == pytest.approx(12 * 13 / 9 + 38)
    assert remaining_work(gated, [], 50).complete == 50
    decided = [trial(n, {1: n, 3: n, LAST: n}) for n in range(12)]
    assert remaining_work(gated, decided, 48).work == pytest.approx(36 * (1 + 1.23 + 1.23**2) / 9)
    assert remaining_work(gated, decided, 48).complete == 12 + 6
    begun = [*decided[:11], trial(11, {1: 11}, "pruned")]
    assert remaining_work(gated, begun, 12).work == pytest.approx(12 / 9)


def test_evaluations_without_training_count_as_full_trainings():
    assert (
        completed_work(Ladder((0,)), [trial(0, {LAST: 1}), trial(1, {LAST: 1}), trial(2, {}, "failed")]) == 3
    )


def test_the_expected_work_is_about_the_work_that_rungs_need():
    ladder = Ladder((1, 3, LAST))
    expected = remaining_work(ladder, [], 60)
    runs = [climbed(ladder, 60, 1, seed)[0] for seed in range(4)]
    assert fmean(completed_work(ladder, trials) for trials in runs) == pytest.approx(expected.work, rel=0.1)
    complete = fmean(sum(each.state == "complete" for each in trials) for trials in runs)
    assert complete == pytest.approx(expected.complete, rel=0.15)


def test_with_several_objectives_fronts_are_ranked():
    found = [trial(n, {1: accuracy}, "pruned") for n, accuracy in enumerate((0.9, 0.5, 0.6, 0.3))]
    assert [each.number for each in BARE.ranked(found, 1)] == [0, 2, 1, 3]
    # Their params are not the same, nor do they count here: accuracy alone makes one front after the other.
    assert [each.number for each in replace(BARE, multi_objective=True).ranked(found, 1)] == [0, 2, 1, 3]
