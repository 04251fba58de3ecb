from dataclasses import replace

import pytest
from helpers.fake_device import DEVICE, measured, profile_of, step_ms

from search.profiles import Predictor
from search.profiles.campaign import Campaign, run, samples
from search.reward import network
from space import Space

SPACE = Space.load("tiny_space")


@pytest.fixture
def campaign():
    return Campaign(SPACE, DEVICE, 32, max_networks=6)


def test_all_networks_are_measured_once(campaign, tmp_path):
    path = tmp_path / "profiles" / "x.part"
    found = list(run(campaign, path, measured(campaign.reference)))
    assert [sample.architecture for sample in found] == list(map(str, campaign.networks))
    assert samples(campaign, path) == found
    assert list(run(campaign, path, measured(campaign.reference))) == []


def test_an_interrupted_measurement_continues(campaign, tmp_path):
    path = tmp_path / "x.part"
    asked = []

    def measure(network):
        asked.append(network)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return measured(campaign.reference)(network)

    with pytest.raises(KeyboardInterrupt):
        list(run(campaign, path, measure))
    assert len(samples(campaign, path)) == 3
    # Killed while it wrote:
    path.write_text(path.read_text() + '{"architecture": "r16_')
    assert len(list(run(campaign, path, measured(campaign.reference)))) == 5
    assert len(samples(campaign, path)) == len(campaign.networks) == 8


@pytest.mark.parametrize("other", ["batch", "device", "space"])
def test_other_conditions_overwrite_the_file(campaign, tmp_path, other):
    path = tmp_path / "x.part"
    list(run(campaign, path, measured(campaign.reference)))
    changes = {"device": replace(DEVICE, torch="3.0"), "space": Space.load("effv2_32"), "batch": 16}
    changed = replace(campaign, **{other: changes[other]})
    assert samples(changed, path) == []


def test_more_networks_continue_from_the_samples(campaign, tmp_path):
    path = tmp_path / "x.part"
    list(run(campaign, path, measured(campaign.reference)))
    more = Campaign(SPACE, DEVICE, 32, max_networks=9)
    kept = samples(more, path)
    assert 5 <= len(kept) <= 8
    list(run(more, path, measured(more.reference)))
    assert len(samples(more, path)) == len(more.networks)


def test_a_file_of_something_else_is_no_sample(campaign, tmp_path):
    path = tmp_path / "x.part"
    assert samples(campaign, path) == []
    path.write_text("[1, 2]\nnonsense\n")
    assert samples(campaign, path) == []


def test_other_classes_and_the_reference_are_measured_too(campaign):
    """Another number of classes, and the network that is the unit of rewards: S0 is measured, not estimated."""
    *_, other, unit = campaign.networks
    assert (other.classes, other.stages) == (1000, campaign.reference.stages)
    assert unit == replace(network("v2-b0"), resolution=16, classes=10)
    profile = profile_of(campaign)
    assert not Predictor(profile)(unit).flagged
    wide = replace(unit, classes=500)
    assert Predictor(profile)(wide).ms == pytest.approx(step_ms(wide), rel=0.01)


WIDE = Space.of(
    {
        "resolution": 32,
        "stem": {"width": [8, 16], "stride": 1},
        "stages": [
            {"op": ["fused", "mb"], "kernel": [3, 5], "expand": [1, 2, 4], "depth": [1, 2], "stride": 2, "width": w}
            for w in ([16, 24, 32], [32, 64, 96], [64, 128, 256])
        ],
        "head": {"width": [0, 256]},
        "classes": 10,
    },
    "wide",
)  # fmt: skip


def test_networks_near_a_latency_are_chosen_after_some_of_the_whole_space(tmp_path):
    whole = Campaign(WIDE, DEVICE, 32, max_networks=50)
    broad = replace(whole, max_networks=20)
    path = tmp_path / "x.part"
    list(run(broad, path, measured(broad.reference)))
    first = broad.fit(samples(broad, path))
    near = step_ms(broad.reference) / 3
    close = whole.narrowed(first, near)
    assert len(close.networks) == 30 == len(set(close.networks))
    assert all(0.5 * near <= Predictor(first)(network).ms <= 1.5 * near for network in close.networks)
    assert samples(close, path) == []
    list(run(close, path, measured(close.reference)))
    # One file has both, so that an interruption loses neither.
    assert len(samples(broad, path)) == len(broad.networks)
    assert whole.narrowed(broad.fit(samples(broad, path)), near) == close
    profile = close.fit(samples(close, path))
    assert (profile.near, first.near) == (near, None)
    assert profile.networks == 30
    # Where few networks are that fast, those of the whole space have to do.
    assert whole.narrowed(first, step_ms(broad.reference) / 1e6) is whole
    assert broad.narrowed(first, near) is broad
