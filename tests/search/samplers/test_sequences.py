import numpy as np
import pytest
from scipy.stats import qmc

from search.samplers import Exhausted, Observation
from search.samplers.sequences import Grid, QuasiRandom
from space import Space

TINY, LARGE = Space.load("tiny_space"), Space.load("effv2")
FIXED = Space.load("tiny_space", {choice.name: choice.options[0] for choice in TINY.choices})


def walked(proposer, count, seed=0):
    history = []
    for number in range(count):
        history.append(Observation(number, proposer.propose(history, seed + number), 1.0, finished=True))
    return [trial.point for trial in history]


def test_the_grid_is_every_point_once():
    proposer = Grid(sampler="grid").proposer(TINY)
    points = walked(proposer, 128)
    assert sorted(points) == sorted(TINY.points())
    with pytest.raises(Exhausted, match="every network"):
        proposer.propose([Observation(n, p, None, True) for n, p in enumerate(points)], 0)


def test_the_first_points_of_the_grid_are_spread_evenly():
    """An eighth of the points, and each option of each choice in about its proportion."""
    points = walked(Grid(sampler="grid").proposer(TINY), 16)
    assert all(5 <= sum(options) <= 11 for options in zip(*points, strict=True))


def test_a_walk_begins_in_a_space_too_large_to_finish():
    points = walked(Grid(sampler="grid").proposer(LARGE), 30)
    assert len(set(points)) == 30


def test_the_sequence_is_scipys():
    proposer = QuasiRandom(sampler="qmc", scramble=3).proposer(TINY)
    counts = [len(choice.options) for choice in TINY.choices]
    places = qmc.Sobol(len(counts), scramble=True, rng=3).random(8)
    assert walked(proposer, 8) == [tuple(int(v) for v in np.floor(place * counts)) for place in places]


@pytest.mark.parametrize(("sequence", "most"), [("sobol", 0), ("halton", 2)])
def test_a_sequence_is_more_even_than_chance(sequence, most):
    """Half of 16 points have each option: exactly with Sobol's sequence, by chance in one of five."""
    points = walked(QuasiRandom(sampler="qmc", sequence=sequence).proposer(TINY), 16)
    assert all(abs(sum(options) - 8) <= most for options in zip(*points, strict=True))


@pytest.mark.parametrize("sampler", [Grid(sampler="grid"), QuasiRandom(sampler="qmc")])
def test_rejected_points_are_not_proposed_again(sampler):
    proposer, history = sampler.proposer(LARGE), []
    for _ in range(20):
        history.append(Observation(0, proposer.propose(history, 0), None, finished=True, rejected=True))
    assert len({trial.point for trial in history}) == 20


def test_the_seed_of_a_proposal_does_not_matter_but_the_scrambling_does():
    def points(scramble, seed):
        return walked(QuasiRandom(sampler="qmc", scramble=scramble).proposer(LARGE), 4, seed)

    assert points(0, 0) == points(0, 99)
    assert points(0, 0) != points(1, 0)


@pytest.mark.parametrize("sampler", [Grid(sampler="grid"), QuasiRandom(sampler="qmc")])
def test_a_space_without_choices_has_one_point(sampler):
    assert sampler.proposer(FIXED).propose([], 0) == ()


@pytest.mark.parametrize("sampler", [Grid(sampler="grid"), QuasiRandom(sampler="qmc")])
def test_points_that_were_rejected_for_one_trial_are_not_tried_for_the_next(sampler):
    """A new proposer, which knows only the trials, goes on where the last one was."""

    def permitted(point):
        return sum(point) % 4 == 0

    lasting, tried, trials = sampler.proposer(LARGE), [], []
    for number in range(30):
        rejected = []
        while True:
            history = [*trials, *rejected]
            point = lasting.propose(history, 0)
            assert point == sampler.proposer(LARGE).propose(history, 0)
            tried.append(point)
            if permitted(point):
                break
            rejected.append(Observation(number, point, None, finished=True, rejected=True))
        trials.append(Observation(number, point, 1.0, finished=True))
    assert len(tried) > 60
    assert tried == walked(sampler.proposer(LARGE), len(tried))


def test_a_sequence_goes_on_behind_the_attempts_of_a_neighbour():
    """A trial whose point is not in the sequence was chosen after all attempts; one before all others was named."""
    proposer = QuasiRandom(sampler="qmc").proposer(LARGE)
    points = walked(proposer, 1002)
    first, outside = Observation(1, points[0], 1.0, True), tuple(len(c.options) - 1 for c in LARGE.choices)
    assert outside not in points
    assert proposer.propose([Observation(0, outside, 1.0, True)], 0) == points[0]
    assert proposer.propose([first, Observation(2, outside, 1.0, True)], 0) == points[1001]
