import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.samplers import Observation, Partial
from search.samplers.ordinal_gp.model import log_expected_improvement, training_targets


def observed(*rewards):
    return [Observation(number, (), reward, finished=True) for number, reward in enumerate(rewards)]


def targets(finished):
    return training_targets(finished, ())[0]


def test_predicted_rewards_are_on_the_scale_of_the_others_with_their_own_variance():
    predicted = [Observation(9, (), None, True, partial=Partial(1, 0.1, expected=math.e, std=math.e / 2))]
    finished = observed(*(math.exp(n) for n in range(5)))
    found, extra_variance = training_targets(finished, predicted)
    assert found[:5] == pytest.approx(targets(finished))
    assert found[5] == pytest.approx(found[1])
    assert extra_variance == pytest.approx([0, 0, 0, 0, 0, 0.25 / 2])


def test_targets_are_logarithms_and_very_bad_ones_are_clipped():
    plain = targets(observed(*(math.exp(n) for n in range(5))))
    assert plain == pytest.approx([-math.sqrt(2), -math.sqrt(0.5), 0, math.sqrt(0.5), math.sqrt(2)])
    clipped = targets(observed(0.5, 0.51, 0.52, 0.53, 0.54, 1e-9))
    assert clipped[0] - clipped.min() < 4 * (clipped[1] - clipped[0]) * 1.4826 * 2
    assert targets(observed(-1.0, 0.0, 1.0)) == pytest.approx([-math.sqrt(1.5), 0, math.sqrt(1.5)])
    assert targets(observed(0.3, 0.3)).tolist() == [0, 0]


@given(st.floats(-6, 6), st.floats(0.01, 10))
def test_expected_improvement_is_the_integral(z, std):
    grid = np.linspace(0, 12 + max(z, 0), 20_001)
    density = np.exp(-0.5 * (grid - z) ** 2) / math.sqrt(2 * math.pi)
    integral = std * np.trapezoid(grid * density, grid)
    found = log_expected_improvement(np.array([z * std]), np.array([std]))
    assert found[0] == pytest.approx(math.log(integral), abs=1e-5)


def test_expected_improvement_decreases_where_it_underflows():
    values = log_expected_improvement(-np.array([1e1, 1e2, 1e3, 1e4]), np.ones(4))
    assert (np.diff(values) < 0).all() and np.isfinite(values).all()
    assert values[1] == pytest.approx(-5000 - 0.5 * math.log(2 * math.pi) - math.log(1e4), abs=1e-3)
