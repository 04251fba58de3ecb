"""Which networks are trained again, and what their means say."""

import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reward import REWARDS
from search.testing import looked_up, requests
from search.trials.finals import OFF, Finals, Noise, agenda, leaders, noise_of, verdict
from search.trials.records import FinalTraining, Record
from search.trials.trial import ranked, trial_from_record, with_reward
from space import decode, published

REFERENCE = published("v2-b0").architecture
REWARD = REWARDS["effv2"](reward="effv2", w=0, v=0)
"""The accuracy itself."""
(REQUEST,) = requests(1)
NETWORK = decode(REQUEST.architecture)
RESULT = looked_up(REQUEST, lambda epoch, loss: None)


def trial(number, accuracy, again=(), seed=0, state="complete", network=NETWORK):
    """A trial with this accuracy in the search, and those of its trainings with seeds from 1 on."""
    repeats = tuple(
        FinalTraining(1 + place, 1, "failed", "diverged")
        if value is None
        else FinalTraining(1 + place, 1, "complete", "", replace(RESULT, accuracy=value))
        for place, value in enumerate(again)
    )
    result = replace(RESULT, accuracy=accuracy)
    text = str(network)
    record = Record(number, network.digest, text, seed, (), state, 1, "", 0.0, 1.0, result, repeats)
    return trial_from_record(record, REWARD, REFERENCE)


def agenda_of(trials, finals, seed):
    return agenda(trials, finals, seed, REFERENCE)


def verdict_of(trials, finals, seed):
    return verdict(trials, finals, seed, REFERENCE)


@pytest.mark.parametrize(
    ("complete", "trainings"), [(0, 0), (4, 0), (17, 0), (18, 6), (20, 6), (44, 6), (45, 15), (5000, 15)]
)
def test_finals_are_in_proportion_to_the_search(complete, trainings):
    assert Finals().trainings(complete) == trainings
    assert trainings <= complete / 3


@pytest.mark.parametrize(
    ("given", "complete", "size"),
    [({"top": 5}, 20, (5, 2)), ({"top": 5, "seeds": 3}, 4, (5, 3)), ({"seeds": 4}, 20, (3, 4)),
     ({"seeds": 4}, 10, (0, 4)), ({"top": 0, "seeds": 3}, 99, (0, 3))],
)  # fmt: skip
def test_what_is_asked_for_is_done(given, complete, size):
    assert Finals(**given).size(complete) == size


def test_there_are_no_more_finalists_than_trials():
    assert Finals(top=5, seeds=3).trainings(2) == 6
    assert len(agenda_of([trial(0, 0.5), trial(1, 0.6)], Finals(top=5, seeds=3), 0).trainings) == 6


def test_all_finalists_have_one_seed_before_any_has_the_next():
    trials = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.6)]
    found = agenda_of(trials, Finals(top=2, seeds=2), 7)
    assert [(t.number, seed) for t, seed in found.trainings] == [(1, 8), (2, 8), (1, 9), (2, 9)]
    assert [t.number for t in found.finalists] == [1, 2]


def test_the_base_network_is_a_finalist_where_it_was_tried():
    base = trial(0, 0.1, network=REFERENCE)
    trials = [base, trial(1, 0.7), trial(2, 0.6)]
    asked = Finals(top=1, seeds=2)
    assert [t.number for t in agenda_of(trials, asked, 0).finalists] == [1, 0]
    assert len(agenda_of(trials, asked, 0).trainings) == 4 == asked.trainings(3, base=True)
    assert [t.number for t in agenda_of(trials, Finals(top=3, seeds=2), 0).finalists] == [1, 2, 0]
    assert [t.number for t in agenda_of(trials, Finals(top=1, seeds=2, base=False), 0).finalists] == [1]
    assert agenda_of(trials, OFF, 0).finalists == ()
    assert OFF.trainings(3, base=True) == 0


def test_seeds_are_fresh():
    """Not the trial's own, which may be another than the run's where it is of an earlier one."""
    found = agenda_of([trial(0, 0.5), trial(1, 0.6, seed=1, state="imported")], Finals(top=2, seeds=2), 0)
    assert [(t.number, seed) for t, seed in found.trainings] == [(1, 2), (0, 1), (1, 3), (0, 2)]


def test_seeds_come_round():
    found = agenda_of([trial(0, 0.5)], Finals(top=1, seeds=2), 2**32 - 2)
    assert [seed for _, seed in found.trainings] == [2**32 - 1, 0]


def test_only_what_is_over_is_not_missing():
    begun = trial(0, 0.9)
    begun = replace(
        begun, final_trainings=(FinalTraining(1, 1, "running"), FinalTraining(2, 1, "failed", "diverged"))
    )
    found = agenda_of([begun], Finals(top=1, seeds=3), 0)
    assert [seed for _, seed in found.missing] == [1, 3]
    assert found.left == 2


def test_the_best_mean_wins_and_luck_in_the_search_does_not_count():
    trials = [trial(0, 0.90, (0.70, 0.72)), trial(1, 0.80, (0.78, 0.80)), trial(2, 0.75)]
    found = verdict_of(trials, Finals(top=2, seeds=2), 0)
    assert found.winner.number == 1
    assert found.winner.final_terms.accuracy == pytest.approx(0.79)
    assert [t.number for t in found.standing] == [1, 0]


def test_one_that_failed_once_comes_after_those_that_never_did():
    trials = [trial(0, 0.9, (0.95, None)), trial(1, 0.8, (0.7, 0.7))]
    assert verdict_of(trials, Finals(top=2, seeds=2), 0).winner.number == 1
    trials = [trial(0, 0.9, (None, None)), trial(1, 0.8, (None, None))]
    assert verdict_of(trials, Finals(top=2, seeds=2), 0) is None


def test_nothing_is_said_before_the_end():
    trials = [trial(0, 0.9, (0.8,)), trial(1, 0.8, (0.7,))]
    assert verdict_of(trials, Finals(top=2, seeds=2), 0) is None
    assert verdict_of(trials, Finals(top=2, seeds=1), 0).winner.number == 0
    assert verdict_of(trials, OFF, 0) is None
    assert verdict_of([], Finals(), 0) is None


def test_the_noise_is_pooled_over_the_networks():
    """Three networks with two seeds: three degrees of freedom."""
    trials = [trial(0, 0.9, (0.79, 0.81)), trial(1, 0.8, (0.70, 0.70)), trial(2, 0.7, (0.60, 0.64))]
    found = verdict_of(trials, Finals(top=3, seeds=2), 0)
    pooled = math.sqrt((0.0002 + 0 + 0.0008) / 3)
    assert found.noise.seed == pytest.approx(pooled)
    assert found.noise.freedom == 3
    assert found.noise.networks == pytest.approx(statistics.stdev([0.9, 0.8, 0.7]))
    assert found.noise.reliability == pytest.approx(1 - (pooled / 0.1) ** 2)


def test_where_all_are_alike_there_is_no_noise():
    trials = [trial(number, 1.0, (1.0, 1.0)) for number in range(3)]
    assert verdict_of(trials, Finals(top=3, seeds=2), 0).noise == Noise(0.0, 3, 0.0)


def test_one_seed_tells_no_noise():
    found = verdict_of([trial(0, 0.9, (0.8,)), trial(1, 0.8, (0.7,))], Finals(top=2, seeds=1), 0)
    assert found.noise is None


def test_what_was_once_a_finalist_still_stands():
    """More trials have pushed it out of the best, but its mean is known."""
    trials = [trial(0, 0.8, (0.95, 0.95)), trial(1, 0.9, (0.7, 0.7)), trial(2, 0.85, (0.71, 0.7))]
    assert verdict_of(trials, Finals(top=2, seeds=2), 0).winner.number == 0


def test_what_lacks_a_result_stands_behind():
    trials = [trial(0, 0.9, (0.8, None)), trial(1, 0.8, (0.7, 0.7)), trial(2, 0.7, (0.6, 0.6, 0.6))]
    found = verdict_of(trials, Finals(top=3, seeds=2), 0)
    assert [t.number for t in found.standing] == [1, 2, 0]


@pytest.mark.parametrize(
    ("seed", "networks", "reliability"),
    [(0.0, 0.1, 1.0), (0.1, 0.1, 0.0), (0.2, 0.1, 0.0), (0.1, 0.0, None), (0.0, 0.0, None)],
)
def test_reliability_at_its_ends(seed, networks, reliability):
    assert Noise(seed, 3, networks).reliability == reliability


ACCURACIES = st.floats(0, 1)


@given(st.lists(st.tuples(ACCURACIES, st.lists(ACCURACIES, min_size=2, max_size=3)), min_size=2, max_size=6))
def test_what_is_said_is_within_bounds(rows):
    trials = [trial(number, accuracy, again) for number, (accuracy, again) in enumerate(rows)]
    found = verdict_of(trials, Finals(top=len(rows), seeds=2), 0)
    # All have both seeds that were asked; a third, of an earlier search, counts in the mean alone.
    assert found.winner.final_terms.reward == max(t.final_terms.reward for t in trials)
    reliability = noise_of(trials).reliability
    assert reliability is None or 0 <= reliability <= 1


def test_the_finals_are_shared_by_the_leaders_under_the_reward_and_under_accuracy():
    reward = REWARDS["effv2"](reward="effv2", w=0, v=-0.5)
    sizes = [decode(f"r16_i8_s1/mb_d1_k3_s2_e1_w{width}/h32_c10") for width in (8, 16, 24, 32, 40, 48)]
    accuracies = (0.60, 0.61, 0.62, 0.63, 0.64, 0.65)
    trials = [
        with_reward(trial(number, accuracy, network=network), reward, sizes[0])
        for number, (accuracy, network) in enumerate(zip(accuracies, sizes, strict=True))
    ]
    assert [t.number for t in ranked(trials)] == [0, 1, 2, 3, 4, 5]
    assert [t.number for t in leaders(trials, 1)] == [0]
    assert [t.number for t in leaders(trials, 3)] == [0, 1, 5]
    assert [t.number for t in leaders(trials, 5)] == [0, 1, 2, 4, 5]
