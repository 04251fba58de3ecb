import pytest
from helpers.strategies import architectures
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling import RULES, Budget, Coefficients, Rounding, largest, scale
from scaling.budgets import STEP
from space import UserError, cost

B0 = scale("b0", 0)


def test_a_budget_admits_what_is_within_every_limit():
    params, macs = B0.cost.params, B0.cost.macs
    assert Budget(params=params, macs=macs).fits(B0)
    assert not Budget(params=params, macs=macs - 1).fits(B0)
    assert not Budget(activations=B0.cost.activations - 1).fits(B0)
    assert Budget(params=params, macs=macs // 2).excess(B0.architecture) == pytest.approx(2)
    assert str(Budget(params=12_000_000, macs="2G")) == "12M params and 2G macs"


def test_limits_are_those_of_the_table_of_costs():
    assert Budget(size="21MB", memory=None).limits == {"size": 21_000_000}
    with pytest.raises(UserError, match=r"Unknown cost 'mac'\. Did you mean 'macs'"):
        Budget(mac=5)
    with pytest.raises(UserError, match="macs: 'many' is not a valid count"):
        Budget(macs="many")
    with pytest.raises(UserError, match="A limit on step needs a device profile"):
        largest("b0", Budget(step="5ms"))


@pytest.mark.parametrize(
    ("base", "rule", "limit", "phi"),
    [
        ("mobilenext-1.0", "compound", {"macs": 860_133_456}, 1.118),
        ("mobilenext-0.35", "v2", {"macs": 224_468_737}, 0.998),
        ("mobilenext-0.5", "lacs", {"macs": 348_572_248}, 1.446),
        ("inception-resnet-v2", "compound", {"activations": 24_118_394}, 0.038),
    ],
)
def test_the_largest_may_lie_above_a_network_that_does_not_fit(base, rule, limit, phi):
    found, budget = largest(base, Budget(**limit), rule=rule), Budget(**limit)
    assert found.phi == phi
    assert budget.fits(found)
    between = [scale(base, phi - step / 1000, rule=rule) for step in range(1, 60)]
    assert not all(budget.fits(model) for model in between)


@settings(max_examples=8, deadline=None)
@given(
    architectures(ops=["sandglass", "shuffle", "shufflev2", "mb"], max_width=24, max_resolution=24),
    st.sampled_from(["compound", "width", "lacs"]),
    st.sampled_from(["macs", "activations", "params"]),
    st.floats(0.8, 1.6),
)
def test_no_larger_network_fits(base, rule, name, share):
    budget = Budget(**{name: max(1, int(share * getattr(cost(base), name)))})
    try:
        found = largest(base, budget, rule=rule)
    except UserError:
        return
    above = [scale(base, found.phi + step / 50, rule=rule) for step in range(1, 60)]
    assert not any(budget.fits(model) for model in above)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["b0", "v2-b0"]), st.sampled_from([n for n in RULES if n != "shrink"]), st.data())
def test_the_largest_fits_and_the_next_does_not(base, rule, data):
    macs = data.draw(st.integers(300_000_000, 20_000_000_000))
    budget = Budget(macs=macs)
    found = largest(base, budget, rule=rule)
    assert budget.fits(found)
    after = scale(base, round(found.phi * STEP + 1) / STEP, rule=rule)
    assert not budget.fits(after)
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
    with pytest.raises(
        UserError, match=r"No network scaled from b0 by rule shrink .*the smallest, at phi = -4\.006"
    ):
        largest("b0", Budget(macs=10**7), rule="shrink")


def test_an_impossible_budget_says_what_the_smallest_costs():
    message = r"No network scaled from b0 by rule compound .* the smallest, at phi = -14\.\d+, has 4\d\dk"
    with pytest.raises(UserError, match=message):
        largest("b0", Budget(params=1000))


def test_a_rule_that_never_reaches_the_limit_is_refused():
    with pytest.raises(UserError, match=r"Rule resolution never exceeds 12M params"):
        largest("b0", Budget(params=12_000_000), rule="resolution")


@pytest.mark.parametrize(
    ("base", "limit", "arguments"),
    [
        ("v2-m", "30G", {"rule": "depth"}),
        ("b0", "5G", {"coefficients": Coefficients(2.5, 1, 1)}),
    ],
)
def test_stages_that_would_be_too_deep_at_the_highest_phi(base, limit, arguments):
    with pytest.raises(UserError, match=r"phi = 16|depth is \d+; it must be"):
        scale(base, 16, **arguments)
    found, budget = largest(base, Budget(macs=limit), **arguments), Budget(macs=limit)
    assert budget.fits(found)
    assert not budget.fits(scale(base, found.phi + 1 / STEP, **arguments))


def test_images_that_would_be_too_small_without_padding_are_no_candidates():
    unpadded = "r32_i16/inception_d2_s1_w16_b:3v:1/h0_c10"
    with pytest.raises(UserError, match=r"within 10k macs: the smallest, at phi = -3\.825, has"):
        largest(unpadded, Budget(macs=10_000), rule="resolution")


def test_a_budget_needs_a_limit():
    with pytest.raises(UserError, match="needs at least one limit"):
        largest("b0", Budget())


def test_a_step_time_is_a_limit():
    """A device on which a step takes a millisecond for a million multiply-adds."""

    def predict(network):
        return cost(network).macs / 1e6

    budget = Budget(step=700, predict={"step": predict})
    found = largest("b0", budget)
    assert budget.fits(found)
    assert not budget.fits(scale("b0", found.phi + 1 / STEP))
    assert found == largest("b0", Budget(macs=700_000_000))
    assert str(budget) == "700.0 ms step"
    both = Budget(macs=500_000_000, step="0.7s", predict={"step": predict})
    assert largest("b0", both) == largest("b0", Budget(macs=500_000_000))
    assert str(both) == "500M macs and 700.0 ms step"
    with pytest.raises(UserError, match=r"is within 0\.001 ms step: .*, 0\.\d+ ms step\.$"):
        largest("b0", Budget(step=0.001, predict={"step": predict}))
