import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.strategies import architectures
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling import RULES, Coefficients, Rounding, scale
from scaling.budgets import MONOTONE
from scaling.rules import TINYNET, V2, fast, nonuniform
from space import Architecture, Multipliers, UserError, cost, published, rescale

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scaling_rules.json").read_text())
B0, V2_B0 = published("b0").architecture, published("v2-b0").architecture


def on_the_grid(architecture: Architecture) -> Architecture:
    """Return it with widths in multiples of 8 and a resolution in multiples of 32, as after rounding."""
    return replace(
        architecture,
        resolution=architecture.resolution * 32,
        stem=replace(architecture.stem, width=architecture.stem.width * 8),
        head=replace(architecture.head, width=architecture.head.width * 8),
        stages=tuple(replace(stage, width=stage.width * 8) for stage in architecture.stages),
    )


BASES = st.one_of(
    st.sampled_from([B0, V2_B0]), architectures(max_width=6, max_resolution=8, max_depth=5).map(on_the_grid)
)
MONOTONE_BASES = st.one_of(
    st.sampled_from([B0, V2_B0]),
    architectures(max_width=6, max_resolution=8, max_depth=5, ops=sorted(MONOTONE)).map(on_the_grid),
)
SCALED = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def made(rule, base, phi, rounding=None):
    return rule.shape(base, rule.at(phi), rounding or rule.rounding)


@SCALED
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_phi_0_is_the_base(rule, data):
    base = data.draw(BASES)
    assert rule.at(0) == Multipliers(1, 1, 1)
    assert made(rule, base, 0) == base


@SCALED
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_costs_of_these_blocks_never_fall_as_phi_rises(rule, data):
    base = data.draw(MONOTONE_BASES)
    rounding = data.draw(
        st.builds(
            Rounding,
            divisor=st.sampled_from([1, 4, 8]),
            limit=st.sampled_from([0, 0.9]),
            depth=st.sampled_from(["ceil", "round"]),
            resolution=st.sampled_from([1, 4, 8, 32]),
        )
    )
    phi = st.floats(max(rule.lowest, -6), min(rule.highest, 6))
    low, high = sorted((data.draw(phi), data.draw(phi)))
    below, above = cost(made(rule, base, low, rounding)), cost(made(rule, base, high, rounding))
    assert below.macs <= above.macs
    if rule.name != "shrink":  # TinyNet-A is deeper than what it shrinks, and has more params
        assert below.params <= above.params
        assert below.activations <= above.activations


def test_costs_of_other_blocks_can_fall():
    assert max(scale("mobilenext-1.0", phi).cost.macs for phi in (1.04, 1.06, 1.08)) > min(
        scale("mobilenext-1.0", phi).cost.macs for phi in (1.1, 1.118)
    )


@SCALED
def test_a_rule_states_where_it_comes_from(rule):
    assert rule.source
    assert rule.summary
    assert RULES[rule.name] is rule


@pytest.mark.parametrize("name", [name for name in RULES if name != "shrink"])
def test_rules_double_the_multiply_adds(name):
    law = RULES[name].law
    assert law.growth == pytest.approx({"compound": 1.92027, "v2": 2.124}.get(name, 2), abs=2e-3)


def test_shrink_reproduces_tinynet():
    for row, (phi, multipliers) in zip(GOLDEN["tinynet"], reversed(TINYNET.rows), strict=True):
        assert multipliers.depth == row["depth"]
        model = scale("b0", phi, rule="shrink")
        assert (model.cost.params, model.cost.macs) == (row["params"], row["macs"])
        assert model.architecture.resolution == row["resolution"]


def test_shrink_interpolates_and_goes_no_further():
    (low, small), (high, large), *_ = TINYNET.rows
    between = TINYNET.at((low + high) / 2)
    assert between.resolution == pytest.approx(math.sqrt(small.resolution * large.resolution))
    assert TINYNET.at(-0.01) == TINYNET.rows[-1][1]
    for phi in (0.1, -4.1):
        with pytest.raises(UserError, match=r"rule shrink takes -4\.007 to 0"):
            scale("b0", phi, rule="shrink")


@pytest.mark.parametrize(("phi", "size"), [(3.1, "S"), (4.2, "M"), (6.2, "L")])
def test_v2_makes_the_uniform_part_of_the_released_networks(phi, size):
    row, name = GOLDEN["v2"][size], f"v2-{size.lower()}"
    released = published(name).architecture
    uniform = rescale(V2_B0, V2.at(phi), Rounding(limit=0))
    assert [stage.depth for stage in uniform.stages] == row["uniform_depth"][:6]
    assert [stage.width for stage in uniform.stages] == row["uniform_channels"][:6]
    made = nonuniform(V2_B0, V2.at(phi), Rounding(limit=0, resolution=32))
    assert [stage.depth for stage in made.stages] == row["actual_depth"][:6]
    assert [stage.width for stage in made.stages] == row["uniform_channels"][:6]
    assert (made.resolution, made.head) == (released.resolution, released.head)


def test_v2_grows_head_and_images_no_further():
    model = scale("v2-b0", 8, rule="v2")
    assert (model.architecture.head.width, model.architecture.resolution) == (1280, 480)
    assert model.train_resolution == 384
    large = scale("v2-xl", 1, rule="v2")
    assert large.architecture.resolution == 512


def test_v2_is_defined_for_one_stage():
    base = replace(V2_B0, stages=V2_B0.stages[:1])
    assert scale(base, 5, rule="v2").architecture.depth > 1


@pytest.mark.parametrize("level", GOLDEN["lacs_gpu"])
def test_lacs_is_within_a_percent_of_the_published_rows(level):
    width, depth, resolution = GOLDEN["lacs_gpu"][level]
    phi = math.log2(depth * width**2 * (resolution / 224) ** 2)
    fit = RULES["lacs"].at(phi)
    assert (fit.depth, fit.width) == (pytest.approx(depth, rel=0.01), pytest.approx(width, rel=0.01))
    assert fit.resolution * 224 == pytest.approx(resolution, rel=0.01)


def test_fast_gives_width_its_share():
    at = fast().at(1)
    assert (at.depth, at.width, at.resolution) == (
        pytest.approx(2**0.1),
        pytest.approx(2**0.4),
        pytest.approx(2**0.05),
    )
    assert fast(1).at(2) == Multipliers(1, pytest.approx(2), 1)
    with pytest.raises(UserError, match=r"share is 1\.5"):
        fast(1.5)


def test_coefficients_belong_to_some_rules():
    other = Coefficients(1.5, 1, 1)
    assert RULES["v2"].fitted(other).at(1).depth == 1.5
    with pytest.raises(
        UserError, match=r"Rule depth has no coefficients to choose; these have: compound, v2, lacs"
    ):
        RULES["depth"].fitted(other)


@pytest.mark.parametrize("phi", [17, -17, math.nan, math.inf])
def test_phi_has_a_range(phi):
    with pytest.raises(UserError, match=r"phi is .*; it must be a number from -16 to 16"):
        RULES["compound"].at(phi)


@pytest.mark.parametrize("name", ["compound", "v2", "lacs"])
def test_costs_rise_along_a_fine_family_of_b0(name):
    models = [scale("b0", number / 20, rule=name) for number in range(-80, 81)]
    assert all(low.cost.macs <= high.cost.macs for low, high in pairwise(models))
