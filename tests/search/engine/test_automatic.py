"""The settings that are decided from the images."""

import numpy as np
import pytest

from search.config import Config
from search.engine import automatic
from search.engine.automatic import SIDES, decided
from search.engine.automatic_proxy import MAX_EPOCHS
from search.engine.launch import prepared
from search.proxy.proxy import merged_widths
from space import UserError


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A function that writes `count` images of `side` pixels, half of each class, and returns their settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(count=400, side=32):
        pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 1)).astype(np.uint8)
        np.savez(tmp_path / f"{side}.npz", train_x=pixels, train_y=np.arange(count) % 2)
        return {"data": "npz", "data.path": f"{side}.npz"}

    return write


@pytest.mark.parametrize(
    ("side", "resolution", "space", "last"),
    [
        (20, 28, "effv2_32", 4),
        (28, 28, "effv2_32", 4),
        (33, 32, "effv2_32", 4),
        (64, 64, "effv2_32", 4),
        (100, 96, "effv2_32", 6),
        (128, 128, "effv2", 4),
        (300, 224, "effv2", 7),
    ],
)
def test_the_space_fits_the_images(images, side, resolution, space, last):
    config = Config.of(decided(images(60, side)).settings)
    (frame,) = set(config.space.frames)
    assert (config.space.name, frame.resolution) == (space, resolution)
    assert -(-frame.resolution // frame.stride) == last


def test_a_given_size_takes_the_place_of_the_images(images):
    given = decided({**images(60, 300), "space.resolution": 64}).settings
    fitting = decided(images(60, 64)).settings
    assert {key: given[key] for key in fitting if key.startswith("space")} == {
        key: value for key, value in fitting.items() if key.startswith("space")
    }


def test_every_size_gives_a_space_with_networks_of_several_pixels():
    for side in SIDES:
        settings, reason = automatic._space({}, side)
        assert settings["space.resolution"] == side and f"{side} px" in reason


def test_a_proxy_is_measured_in_steps_not_epochs(images):
    few, more = (decided(images(count)).settings for count in (200, 3000))
    assert few["proxy.epochs"] == MAX_EPOCHS
    steps = more["proxy.epochs"] * (3000 * 0.8 * 0.8 // 64)
    assert 300 <= steps < 350


@pytest.mark.parametrize(
    ("widths", "given", "divisor"),
    [
        ([16, 32], {}, 8),
        ([24, 32], {}, 4),  # at half the width, both have 16 channels as multiples of 8
        ([24, 25], {}, 1),
        ([24, 32], {"proxy.width": 1}, 8),
        ([24, 32], {"proxy.divisor": 2}, 2),
    ],
)
def test_the_proxy_keeps_the_widths_of_a_space_apart(images, widths, given, divisor):
    settings = {**images(3000), "space": "effv2_32", "space.stages.1.width": widths, **given}
    config = Config.of(decided(settings).settings)
    assert config.proxy.divisor == divisor
    assert not merged_widths(config.space, config.proxy)


def test_a_proxy_that_merges_widths_is_warned_of(images):
    settings = {**images(), "space": "effv2_32", "space.stages.1.width": [24, 32], "proxy": "default"}
    settings |= {"proxy.width": 0.5, "space.head.width": [384, 388]}
    config = Config.of(settings)
    assert merged_widths(config.space, config.proxy) == ["stages.1: 24 and 32", "head: 384 and 388"]
    lines = prepared(settings).outlook
    assert len(lines) == 2 and "stages.1: 24 and 32" in lines[1] and "proxy.divisor" in lines[1]


def test_what_is_set_is_not_decided(images):
    given = {**images(), "space": "tiny_space", "proxy": "tiny", "trials": 3}
    assert decided(given).decisions == () and decided(given).settings == given
    partly = decided({**images(), "proxy.epochs": 2, "space.resolution": 40})
    assert partly.settings["proxy.epochs"] == 2 and partly.settings["space.resolution"] == 40
    assert "trials" not in decided({**images(), "budget": "10m"}).settings


def test_the_steps_that_are_told_are_those_that_will_be_trained(images):
    reasons = {
        one.setting.split()[0]: one.reason for one in decided({**images(200), "proxy.epochs": 3}).decisions
    }
    assert reasons["proxy=auto"].startswith(f"{3 * (128 // 64)} steps on 128 of 128 images; half the width")
    (reason,) = (
        one.reason for one in decided({**images(200), "proxy.width": 1}).decisions if "proxy" in one.setting
    )
    assert ";" not in reason


@pytest.mark.parametrize("key", ["space", "proxy", "trials"])
def test_auto_is_what_is_not_set(images, key):
    given = images()
    assert decided({**given, key: "auto"}) == decided(given)


def test_a_space_has_no_more_trials_than_networks(tmp_path, monkeypatch, images):
    (tmp_path / "few.yaml").write_text(
        "resolution: 32\nstem: {width: 8}\n"
        "stages:\n  - {op: mb, kernel: [3, 5], expand: 2, depth: 1, stride: 2, width: 8}\n"
        "head: {width: 16}\nclasses: 2\n"
    )
    few = {**images(), "space": "./few.yaml"}
    assert decided(few).settings["trials"] == 2
    inside, outside = (f"r32_i8/mb_d1_k{kernel}_s2_e2_w8/h16_c2" for kernel in (5, 7))
    found = decided({**few, "first": [inside, outside]})
    assert found.settings["trials"] == 3
    assert found.decisions[-1].reason == "all networks of the space, and 1 of first outside it"


def test_decisions_are_stored_resolved_and_reproducible(images):
    plan = prepared({**images(), "reward": "effv2"})
    assert [decision.setting.partition("=")[0] for decision in plan.decisions] == ["space", "proxy", "trials"]
    document = plan.config.document()
    assert document["space"]["name"] == "effv2_32" and document["proxy"]["epochs"] == MAX_EPOCHS
    assert Config.of_document(document) == plan.config


def test_synthetic_images_get_a_short_training():
    proxy = Config.of(decided({"space": "effv2"}).settings).proxy
    assert 95 < proxy.epochs * (proxy.images // proxy.batch) <= 105


def test_mistakes_are_refused(images):
    with pytest.raises(UserError, match="spase"):
        decided({**images(), "spase": "effv2"}) and prepared({**images(), "spase": "effv2"})
    with pytest.raises(UserError, match="nowhere"):
        decided({"data": "npz", "data.path": "nowhere.npz"})
