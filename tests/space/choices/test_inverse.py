from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from space import Space, decode, documents, published

NAMES = documents.names("space")
TANGLED = {
    "resolution": [16, 32],
    "stem": {"width": 8, "stride": 1},
    "stages": [
        {"op": ["fused", {"mb": {"se": [0, 0.25]}}], "kernel": 3, "expand": 1, "depth": [1, 2], "stride": 1,
         "width": 8},
        {"op": "fused", "kernel": [3, 5], "expand": 1, "depth": [0, 1, 2], "stride": 1, "width": 8},
        {"op": "fused", "kernel": 3, "expand": 1, "depth": [0, 1, 2], "stride": 1, "width": 8},
    ],
    "head": {"width": [32, 64]},
    "classes": 10,
}  # fmt: skip
"""Stages that can be absent or merge with the one before."""


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_find_inverts_at(name, data):
    space = Space.load(name)
    point = tuple(data.draw(st.integers(0, len(choice.options) - 1)) for choice in space.choices)
    network = space.at(point)
    found = space.find(network)
    assert found is not None
    assert space.at(found) == network


def test_every_network_of_a_tangled_space_is_found():
    space = Space.of(TANGLED)
    for point in space.points():
        network = space.at(point)
        assert space.at(space.find(network)) == network


def test_a_point_is_its_own_where_every_choice_matters():
    space = Space.load("effv2")
    base = published("v2-b0").architecture
    point = space.find(base)
    assert space.at(point) == base
    choices = {
        choice.name: choice.options[option] for choice, option in zip(space.choices, point, strict=True)
    }
    assert (choices["stages.5.op"], choices["stages.5.depth"], choices["stages.0.expand"]) == ("mb", 8, 1)


def test_a_network_outside_the_space_is_not_found():
    space = Space.load("effv2")
    base = published("v2-b0").architecture
    assert space.find(published("v2-s").architecture) is None
    assert space.find(replace(base, resolution=192)) is None
    assert space.find(replace(base, stages=base.stages[:-1])) is None
    assert space.find(replace(base, stages=(*base.stages, base.stages[-1]))) is None


def test_a_space_without_choices_has_one_network():
    network = decode("r32_i16_s1/mb_d2_k3_s2_e4_w24_se0.25/h256_c10")
    stage = {"op": "mb", "kernel": 3, "expand": 4, "depth": 2, "stride": 2, "width": 24, "se": 0.25}
    space = Space.of({"resolution": 32, "stem": {"width": 16, "stride": 1}, "stages": [stage],
                      "head": {"width": 256}, "classes": 10})  # fmt: skip
    assert space.find(network) == ()
    assert space.find(replace(network, classes=9)) is None
