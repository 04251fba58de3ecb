from dataclasses import replace

import pytest
from helpers.fake_device import DEVICE, profile_of, step_ms

from search.profiles.campaign import Campaign
from search.profiles.forecast import Forecast
from space import Space, published

SPACE = Space.load("tiny_space")
UNIT = replace(published("v2-b0").architecture, classes=10)


@pytest.fixture(scope="module")
def profile():
    return profile_of(Campaign(SPACE, DEVICE, 32))


def test_networks_are_compared_at_one_resolution(profile):
    network = SPACE.at((0,) * len(SPACE.choices))
    forecast = Forecast(profile, UNIT, one_resolution=True)
    assert forecast.reference_for(network) == replace(UNIT, resolution=16)
    expected = step_ms(network) / step_ms(replace(UNIT, resolution=16))
    assert forecast.ratio(network) == pytest.approx(expected, rel=0.02)
    assert forecast.step(network).ms == pytest.approx(step_ms(network), rel=0.02)


def test_or_each_at_its_own(profile):
    network = SPACE.at((0,) * len(SPACE.choices))
    assert Forecast(profile, UNIT, one_resolution=False).reference_for(network) == UNIT
