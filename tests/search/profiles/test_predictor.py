import random

import numpy as np
import pytest
from helpers.fake_device import DEVICE, profile_of, step_ms
from hypothesis import given
from hypothesis import strategies as st

from search.profiles import Predictor
from search.profiles.campaign import Campaign
from space import Multipliers, Space, published, rescale

SPACE = Space.load("effv2_32")


@pytest.fixture(scope="module")
def predictor():
    return Predictor(profile_of(Campaign(SPACE, DEVICE, 32)))


@given(st.integers(0, 10**6))
def test_networks_of_the_space_are_predicted_exactly(predictor, seed):
    network = SPACE.at(SPACE.sample(random.Random(seed)))
    found = predictor(network)
    assert found.ms == pytest.approx(step_ms(network), rel=0.01)
    assert not found.flagged


@given(st.integers(0, 10**6), st.sampled_from([0.75, 1.25, 2]), st.sampled_from([1, 1.5]))
def test_scaled_networks_are_predicted_and_flagged(predictor, seed, width, resolution):
    network = SPACE.at(SPACE.sample(random.Random(seed)))
    network = rescale(network, Multipliers(width=width, resolution=resolution, depth=1.4))
    found = predictor(network)
    assert found.ms == pytest.approx(step_ms(network), rel=0.01)
    assert found.flagged


def test_the_part_that_was_not_measured(predictor):
    network = published("v2-b0").architecture
    assert predictor(network).unmeasured > 0.9
    own = SPACE.at((0,) * len(SPACE.choices))
    assert predictor(own).unmeasured == 0


def test_many_at_once_are_as_one_by_one(predictor):
    rng = random.Random(0)
    networks = [SPACE.at(SPACE.sample(rng)) for _ in range(50)] + [published("b0").architecture]
    ms, unmeasured = predictor.all(networks)
    one_by_one = [predictor(network) for network in networks]
    assert np.allclose(ms, [found.ms for found in one_by_one])
    assert np.allclose(unmeasured, [found.unmeasured for found in one_by_one])
    assert predictor.all([])[0].shape == (0,)


def test_the_range_is_that_of_all_networks(predictor):
    pinned = {"stages.*.expand": 4, "stages.0.depth": [0, 1], "stages.1.width": [24, 32], "stages.4.depth": 1}
    small = Space.load(
        "effv2_32", pinned | {"stages.2.op": "fused", "stages.3.op": "fused", "stages.*.kernel": 3}
    )
    every = [predictor(small.at(point)).ms for point in small.points()]
    assert predictor.range(small) == pytest.approx((min(every), max(every)))
