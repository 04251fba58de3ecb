import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.samplers import SAMPLERS, Observation
from search.samplers.ordinal_gp.proposer import log_improvement, targets
from space import Space, cost

SPACE = Space.load("effv2_32")
PROCESS = SAMPLERS["ordinal_gp"](sampler="ordinal_gp")


def observed(*rewards):
    return [Observation(number, (), reward, finished=True) for number, reward in enumerate(rewards)]


def searched(
    count, permits=lambda network: True, reward=lambda point: 1 / (1 + sum(point)), settings=PROCESS
):
    proposer, history = settings.within(SPACE, permits), []
    for number in range(count):
        point = proposer.propose(history, number)
        history.append(Observation(number, point, reward(point), finished=True))
    return history


def test_finds_the_best_of_a_simple_sum_in_a_few_trials():
    """Of 10^8 points the first is the best; 8 random ones, then the model's."""
    assert max(trial.reward for trial in searched(8)) < 0.15
    assert max(trial.reward for trial in searched(20)) == 1


def test_what_is_over_a_limit_is_never_proposed():
    def permits(network):
        return cost(network).params < 250_000

    # The best is large: what is permitted stands at its border.
    history = searched(14, permits, lambda point: 1 + sum(point))
    assert all(permits(SPACE.at(trial.point)) for trial in history)
    assert max(trial.reward for trial in history[8:]) > max(trial.reward for trial in history[:8])


def test_no_network_is_proposed_twice_whatever_its_names():
    space = Space.load("tiny_space")
    proposer, history = PROCESS.within(space, lambda network: True), []
    for number in range(40):
        point = proposer.propose(history, number)
        history.append(Observation(number, point, 1.0 + sum(point), finished=True))
    assert len({space.at(trial.point) for trial in history}) == 40


def test_more_trials_than_it_learns_from():
    few = SAMPLERS["ordinal_gp"](sampler="ordinal_gp", most=10)
    rewards = [trial.reward for trial in searched(16, settings=few)]
    assert max(rewards) > max(rewards[:8])


def test_targets_are_logarithms_and_disasters_do_not_count_more_than_bad_luck():
    plain = targets(observed(*(math.exp(n) for n in range(5))))
    assert plain == pytest.approx([-math.sqrt(2), -math.sqrt(0.5), 0, math.sqrt(0.5), math.sqrt(2)])
    clipped = targets(observed(0.5, 0.51, 0.52, 0.53, 0.54, 1e-9))
    assert clipped[0] - clipped.min() < 4 * (clipped[1] - clipped[0]) * 1.4826 * 2
    assert targets(observed(-1.0, 0.0, 1.0)) == pytest.approx([-math.sqrt(1.5), 0, math.sqrt(1.5)])
    assert targets(observed(0.3, 0.3)).tolist() == [0, 0]


@given(st.floats(-6, 6), st.floats(0.01, 10))
def test_expected_improvement_is_the_integral(z, deviation):
    grid = np.linspace(0, 12 + max(z, 0), 20_001)
    density = np.exp(-0.5 * (grid - z) ** 2) / math.sqrt(2 * math.pi)
    integral = deviation * np.trapezoid(grid * density, grid)
    found = log_improvement(np.array([z * deviation]), np.array([deviation]))
    assert found[0] == pytest.approx(math.log(integral), abs=1e-5)


def test_expected_improvement_falls_also_where_it_is_no_float():
    values = log_improvement(-np.array([1e1, 1e2, 1e3, 1e4]), np.ones(4))
    assert (np.diff(values) < 0).all() and np.isfinite(values).all()
    assert values[1] == pytest.approx(-5000 - 0.5 * math.log(2 * math.pi) - math.log(1e4), abs=1e-3)
