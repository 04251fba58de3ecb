"""The network that a space is around, fitted to images and limits."""

from pathlib import Path

import numpy as np
import pytest
from helpers.fake_device import latencies_of

from search.config import Config
from search.engine import around
from search.engine.around import FILLED, Frame, fitted
from search.engine.automatic import CPU, decided
from search.engine.automatic_proxy import SHIFT
from search.profiles import Predictor
from search.settings.limits import Limits
from search.training.recipe import Recipe
from space import Space, UserError, cost, decode, published
from space.cost.table import exact_cost

PHOTOGRAPHS = Frame(32, 3, 10)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """The settings of 400 images of 32 px in two classes."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3)).astype(np.uint8)
    np.savez(tmp_path / "two.npz", train_x=pixels, train_y=np.arange(400) % 2)
    return {"data": "npz", "data.path": "two.npz"}


@pytest.mark.parametrize(("side", "stride"), [(28, 8), (48, 8), (64, 16), (96, 16), (224, 32)])
def test_strides_leave_several_pixels(side, stride):
    network, reason = fitted("mobilenet-v1", Frame(side, 1, 7), Limits(), "auto")
    assert (network.stride, network.resolution, network.channels, network.classes) == (stride, side, 1, 7)
    assert [stage.width for stage in network.stages][-1] == 1024
    assert reason == f"mobilenet-v1 for images of {side} px"


def test_it_is_as_large_as_all_limits_permit():
    network, reason = fitted("b0", PHOTOGRAPHS, Limits(params=200_000, macs="12M"), "auto")
    spent = cost(network)
    assert 0.9 < max(spent.params / 200_000, spent.macs / 12e6) <= 1
    assert "limit.params=200,000 and limit.macs=12,000,000" in reason


def test_memory_is_that_of_the_batch_of_the_limit():
    for batch, limit in ((8, 200_000_000), (48, 700_000_000)):
        network, _ = fitted("b0", PHOTOGRAPHS, Limits(memory=limit, batch=batch), "auto")
        assert 0.9 < exact_cost("memory", network, batch) / limit <= 1


def test_latencies_are_those_of_the_given_profile(tmp_path):
    profile = latencies_of(Space.load("tiny_space"))
    profile.save(tmp_path / "phone.json")
    predictor = Predictor(profile)
    limit = 0.5 * predictor(fitted("mobilenet-v1", PHOTOGRAPHS, Limits(), "auto")[0]).ms
    network, _ = fitted("mobilenet-v1", PHOTOGRAPHS, Limits(latency=limit), str(tmp_path / "phone.json"))
    assert 0.9 * FILLED <= predictor(network).ms / limit <= FILLED
    profile.model_copy(update={"cost": "step"}).save(tmp_path / "steps.json")
    with pytest.raises(UserError, match=r"steps\.json is a profile of training steps"):
        fitted("mobilenet-v1", PHOTOGRAPHS, Limits(latency=limit), str(tmp_path / "steps.json"))


def test_without_a_profile_latencies_are_measured(monkeypatch):
    monkeypatch.setattr("search.profiles.latency_bench._TAKES", 1)
    monkeypatch.setattr("search.profiles.latency_bench._MAX_PAIRS", 2)
    small, large = (
        cost(fitted("mobilenet-v1", PHOTOGRAPHS, Limits(latency=limit), "auto")[0]).macs for limit in (0.6, 6)
    )
    assert small < large / 2


def test_a_network_that_keeps_the_limits_is_never_larger_than_published():
    whole = fitted("mobilenet-v1", PHOTOGRAPHS, Limits(), "auto")
    assert fitted("mobilenet-v1", PHOTOGRAPHS, Limits(params="1G", macs="1T"), "auto") == whole


def test_several_resolutions_have_the_stride_of_the_largest(images):
    chosen = decided(
        {**images, "space": "around:mobilenet-v1", "space.resolution": [32, 64], "first": "b0"}
    ).settings
    network = decode(chosen["space"].removeprefix(around.AROUND))
    assert (network.resolution, network.stride) == (64, 16)
    assert {frame.resolution for frame in Config.of(chosen).space.frames} == {32, 64}


def test_a_limit_that_nothing_keeps_is_refused():
    with pytest.raises(
        UserError, match=r"space=around:b0: within limit\.params=300 it would need widths below 8"
    ):
        fitted("b0", PHOTOGRAPHS, Limits(params=300), "auto")


@pytest.mark.parametrize("limit", [{"limit.latency": "2ms"}, {"limit": "./phone.yaml"}])
def test_a_search_under_a_limit_of_latency_is_around_a_network_of_that_latency(images, monkeypatch, limit):
    Path("phone.yaml").write_text("latency: 2ms\n")
    small = decode("r32_i16_s1_relu6/dw_d1_k3_s2_w24_relu6/dw_d1_k3_s2_w48_relu6/h0_c2")
    asked = []

    def fixed(name, frame, limits, latency):
        asked.append((name, frame, limits.latency, latency))
        return small, "as large as it may be"

    monkeypatch.setattr("search.engine.automatic.fitted", fixed)
    found = decided({**images, **limit})
    assert asked == [(CPU, Frame(32, 3, 2), 2.0, "auto")]
    assert found.settings["space"] == f"around:{small}"
    assert found.settings["first"] == str(small)
    config = Config.of(found.settings)
    assert config.base == small
    proxy = config.proxy
    assert (proxy.width, proxy.learning_rate, proxy.resolution, proxy.shift) == (1.0, 0.016, 24, 3)
    assert Recipe().shift == SHIFT
    assert any(str(decision).endswith("as large as it may be") for decision in found.decisions)


def test_another_space_and_other_first_networks_are_kept(images):
    given = {**images, "limit.latency": "2ms", "space": "tiny_space", "trials": 2, "proxy": "tiny"}
    assert decided(given).settings == given
    chosen = decided({**images, "space": "around:v2-b0", "space.resolution": 64, "first": "b0"}).settings
    network = decode(chosen["space"].removeprefix(around.AROUND))
    assert (network.resolution, network.stride, chosen["first"]) == (64, 16, "b0")
    assert network.stages[-1].width == published("v2-b0").architecture.stages[-1].width
