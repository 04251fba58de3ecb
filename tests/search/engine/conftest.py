"""A machine with a made-up profile of latencies."""

import pytest
from helpers.fake_device import latencies_of

from search.profiles import Predictor
from space import Space

SPACE = Space.load("tiny_space")


@pytest.fixture(scope="module")
def profile():
    return latencies_of(SPACE)


@pytest.fixture
def device(tmp_path, monkeypatch, profile):
    """A folder with a profile of another machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    profile.save(tmp_path / "phone.json")


@pytest.fixture
def limit(profile):
    low, high = Predictor(profile).range(SPACE)
    return (low + high) / 2
