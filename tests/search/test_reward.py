import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reward import REWARDS, EfficientNetV2, network
from space import Cost, Refused

POSITIVE = st.floats(0.01, 100)
ACCURACY = st.floats(0.01, 1)
REWARD = EfficientNetV2(reward="effv2")


@pytest.mark.parametrize(
    ("accuracy", "step", "params", "reward"),
    [(0.8, 1, 1, 0.8), (0.8, 0.5, 1, 0.839773), (0.8, 1, 0.5, 0.828212), (0.8, 2, 2, 0.736150)],
)
def test_published_exponents(accuracy, step, params, reward):
    assert REWARD.terms(accuracy, step, params).reward == pytest.approx(reward, abs=1e-6)


@given(ACCURACY, POSITIVE, POSITIVE)
def test_is_the_product_of_its_terms(accuracy, step, params):
    terms = REWARD.terms(accuracy, step, params)
    assert terms.reward == pytest.approx(terms.accuracy * terms.step_term * terms.params_term)


@given(st.lists(st.tuples(ACCURACY, POSITIVE, POSITIVE), min_size=2, max_size=6), POSITIVE, POSITIVE)
def test_the_reference_changes_no_ranking(networks, step_unit, params_unit):
    """Another reference multiplies S/S0 and P/P0 of all networks alike, and their rewards by one constant."""
    here = [REWARD.terms(a, s, p).reward for a, s, p in networks]
    there = [REWARD.terms(a, s / step_unit, p / params_unit).reward for a, s, p in networks]
    ratios = [b / a for a, b in zip(here, there, strict=True)]
    assert max(ratios) == pytest.approx(min(ratios))


@given(ACCURACY, POSITIVE, POSITIVE, st.floats(1.01, 10))
def test_more_accurate_faster_smaller_is_better(accuracy, step, params, factor):
    reward = REWARD.terms(accuracy, step, params).reward
    assert REWARD.terms(accuracy / factor, step, params).reward < reward
    assert REWARD.terms(accuracy, step * factor, params).reward < reward
    assert REWARD.terms(accuracy, step, params * factor).reward < reward


def test_step_time_is_needed_unless_it_does_not_count():
    with pytest.raises(ValueError, match="step time is missing"):
        REWARD.terms(0.5, None, 1.0)
    free = EfficientNetV2(reward="effv2", w=0)
    assert not free.needs_step_time
    assert free.terms(0.5, None, 1.0).reward == 0.5


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="reward is nan"):
        REWARD.terms(math.nan, 1.0, 1.0)


def test_limits_name_what_exceeds_them():
    reward = EfficientNetV2(reward="effv2", max_params=3e6, max_macs=100)
    assert reward.max_params == 3_000_000
    assert reward.exceeds(Cost(2_999_999, 100, 0)) == ""
    assert reward.exceeds(Cost(3_000_001, 100, 0)) == "params 3,000,001 > reward.max_params 3,000,000"
    assert "macs 101" in reward.exceeds(Cost(1, 101, 0))


def test_reference_is_a_name_or_a_string():
    assert network("b0") == network(str(network("b0")))
    with pytest.raises(Refused, match="v2-b0"):
        network("v2b0")


def test_registry_names_are_the_classes_own():
    assert all(kind(reward=name).reward == name for name, kind in REWARDS.items())
