import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling import RULES, Budget, Rounding, largest, scale
from scaling.budgets import STEP
from space import Cost, UserError, cost


def test_a_budget_admits_what_is_within_every_limit():
    assert Budget(params=5, macs=7).admits(Cost(5, 7, 1000))
    assert not Budget(params=5, macs=7).admits(Cost(5, 8, 1))
    assert not Budget(activations=5).admits(Cost(1, 1, 6))
    assert str(Budget(params=12_000_000, macs=2 * 10**9)) == "12M params and 2G macs"


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["b0", "v2-b0"]), st.sampled_from([n for n in RULES if n != "shrink"]), st.data())
def test_the_largest_fits_and_the_next_does_not(base, rule, data):
    macs = data.draw(st.integers(300_000_000, 20_000_000_000))
    budget = Budget(macs=macs)
    found = largest(base, budget, rule=rule)
    assert budget.admits(found.cost)
    after = scale(base, round(found.phi * STEP + 1) / STEP, rule=rule)
    assert not budget.admits(after.cost)
    assert found.phi == round(found.phi, 3)


def test_the_tightest_limit_decides():
    loose, tight = Budget(macs=2 * 10**9), Budget(macs=2 * 10**9, params=9 * 10**6)
    assert largest("v2-b0", tight).phi < largest("v2-b0", loose).phi


def test_arguments_of_scale_are_passed_on():
    rounding = Rounding(resolution=32)
    found = largest("b0", Budget(macs=10**9), rounding=rounding)
    assert found.architecture.resolution % 32 == 0
    assert found == scale("b0", found.phi, rounding=rounding)


def test_shrink_ends_at_its_base_and_at_its_last_row():
    assert largest("b0", Budget(macs=10**12), rule="shrink").phi == 0
    assert largest("b0", Budget(macs=101 * 10**6), rule="shrink").cost.macs <= 101 * 10**6
    with pytest.raises(UserError, match=r"No sibling of b0 by rule shrink .*the smallest, at phi = -4\.006"):
        largest("b0", Budget(macs=10**7), rule="shrink")


def test_an_impossible_budget_says_what_the_smallest_costs():
    message = r"No sibling of b0 by rule compound is within 1k params: the smallest, at phi = -14\.\d+, costs 4\d\dk"
    with pytest.raises(UserError, match=message):
        largest("b0", Budget(params=1000))


def test_a_rule_that_never_reaches_the_limit_is_refused():
    with pytest.raises(UserError, match=r"Rule resolution never exceeds 12M params"):
        largest("b0", Budget(params=12_000_000), rule="resolution")


def test_a_budget_needs_a_limit():
    with pytest.raises(UserError, match="needs a limit"):
        largest("b0", Budget())


def test_a_step_time_is_a_limit():
    """A device on which a step takes a millisecond for a million multiply-adds."""
    budget = Budget(step_ms=700, predict=lambda network: cost(network).macs / 1e6)
    found = largest("b0", budget)
    assert budget.fits(found)
    assert found.cost.macs <= 700_000_000
    assert not budget.fits(scale("b0", found.phi + 1 / STEP))
    assert found == largest("b0", Budget(macs=700_000_000))
    assert str(budget) == "700 ms a step"
    both = Budget(macs=500_000_000, step_ms=700, predict=budget.predict)
    assert largest("b0", both) == largest("b0", Budget(macs=500_000_000))
    assert str(both) == "500M macs and 700 ms a step"
    with pytest.raises(UserError, match=r"is within 0\.001 ms a step: .*; a step takes 0\.\d ms"):
        largest("b0", Budget(step_ms=0.001, predict=budget.predict))
