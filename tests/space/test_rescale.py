from dataclasses import replace

import pytest
from helpers.strategies import architectures
from hypothesis import given, settings
from hypothesis import strategies as st

from space.catalog import published
from space.cost.cost import cost
from space.refusal import UserError
from space.rescale import (
    AUTOML,
    EFFICIENTNET,
    Multipliers,
    Rounding,
    rescale,
    round_depth,
    round_resolution,
    round_width,
)

WIDTHS = st.integers(1, 4096)
MULTIPLIERS = st.floats(0.1, 8)
# A multiplier of 1 leaves a width as it is, even if it is no multiple of the divisor.
NOT_ONE = MULTIPLIERS.filter(lambda multiplier: multiplier != 1)
ROUNDINGS = st.builds(
    Rounding,
    divisor=st.sampled_from([1, 4, 8, 16]),
    limit=st.sampled_from([0, 0.9]),
    depth=st.sampled_from(["ceil", "round"]),
    resolution=st.sampled_from([1, 8, 32]),
)


def test_the_limit_changes_one_published_width():
    """16 * 1.2 = 19.2 becomes 24 with the 0.9 rule and 16 without; nothing else in B0 to L2 differs."""
    b0 = published("b0").architecture
    base = {b0.stem.width, *(stage.width for stage in b0.stages), b0.head.width}
    multipliers = (1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 4.3)
    differing = {
        (width, multiplier)
        for width in base
        for multiplier in multipliers
        if round_width(width, multiplier, EFFICIENTNET) != round_width(width, multiplier, AUTOML)
    }
    assert differing == {(16, 1.2)}
    assert round_width(16, 1.2, EFFICIENTNET) == 24
    assert round_width(16, 1.2, AUTOML) == 16


def test_depths_are_rounded_up_but_not_for_an_error_of_binary_fractions():
    assert 25 * 2.2 > 55
    assert round_depth(25, 2.2) == 55
    assert [round_depth(depth, 1.1) for depth in (1, 2, 3, 4, 10, 20)] == [2, 3, 4, 5, 11, 22]
    assert round_depth(4, 1.01) == 5
    nearest = Rounding(depth="round")
    assert [round_depth(depth, 1.1, nearest) for depth in (1, 4, 5)] == [1, 4, 6]
    assert round_depth(1, 0.1) == round_depth(1, 0.1, nearest) == 1


def test_resolutions_become_multiples():
    assert round_resolution(224, 1.15) == 258
    assert round_resolution(224, 1.15, Rounding(resolution=32)) == 256
    assert round_resolution(32, 0.1, Rounding(resolution=32)) == 32


@given(architectures(), ROUNDINGS)
@settings(deadline=None)
def test_multipliers_of_one_change_nothing(architecture, rounding):
    assert rescale(architecture, Multipliers(), rounding) == architecture


@given(WIDTHS, NOT_ONE, NOT_ONE, ROUNDINGS)
def test_widths_grow_with_the_multiplier(width, one, other, rounding):
    small, large = sorted((one, other))
    assert round_width(width, small, rounding) <= round_width(width, large, rounding)


@given(WIDTHS, NOT_ONE, ROUNDINGS)
def test_a_width_is_a_near_multiple(width, multiplier, rounding):
    rounded, exact = round_width(width, multiplier, rounding), width * multiplier
    if rounded == width:
        return  # What is to grow does not shrink, nor the other way round.
    assert rounded % rounding.divisor == 0
    assert rounded >= rounding.divisor
    assert rounded >= rounding.limit * exact
    assert rounded <= max(rounding.divisor, exact + rounding.divisor)


@given(st.integers(1, 100), MULTIPLIERS, MULTIPLIERS, ROUNDINGS)
def test_depths_grow_with_the_multiplier(depth, one, other, rounding):
    small, large = sorted((one, other))
    assert 1 <= round_depth(depth, small, rounding) <= round_depth(depth, large, rounding)


@given(architectures(), st.floats(1, 3), st.floats(1, 3), st.floats(1, 2))
@settings(deadline=None)
def test_every_part_is_scaled_and_costs_grow(architecture, depth, width, resolution):
    larger = rescale(architecture, Multipliers(depth, width, resolution), Rounding(divisor=1))
    assert larger.stem.width == round_width(architecture.stem.width, width, Rounding(divisor=1))
    assert larger.head.width == round_width(architecture.head.width, width, Rounding(divisor=1))
    assert larger.depth >= architecture.depth
    assert larger.resolution == round_resolution(architecture.resolution, resolution)
    before, after = cost(architecture), cost(larger)
    assert after.params >= before.params
    assert after.macs >= before.macs


def test_classes_kernels_and_expansions_are_not_scaled():
    b0 = published("b0").architecture
    scaled = rescale(b0, Multipliers(1.2, 1.1, 1.15))
    assert scaled.classes == b0.classes
    for stage, larger in zip(b0.stages, scaled.stages, strict=True):
        assert replace(larger, depth=stage.depth, width=stage.width) == stage


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"divisor": 0}, r"^divisor is 0; it must be a whole number of at least 1\.$"),
        ({"divisor": "8"}, r"^divisor is '8'; it must be a whole number"),
        ({"limit": 1.5}, r"^limit is 1\.5; it must be a number from 0 to 1\.$"),
        ({"depth": "floor"}, r"^Unknown rounding of depth 'floor'\. .*Permitted: ceil, round\.$"),
        ({"depth": ["ceil"]}, r"^Unknown rounding of depth"),
        ({"resolution": 0.5}, r"^resolution is 0\.5; it must be a whole number"),
    ],
)
def test_invalid_roundings_are_refused(values, message):
    with pytest.raises(UserError, match=message):
        Rounding(**values)
