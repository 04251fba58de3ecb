import random
from dataclasses import replace

import numpy as np
import pytest
from helpers.fake_device import DEVICE, latency_ms, latency_sample, measured, profile_of, step_ms

from search.profiles import Predictor
from search.profiles.campaign import Campaign
from search.profiles.regression import Sample, fit, rates
from space import Space, UserError

SPACE = Space.load("effv2_32")
CAMPAIGN = Campaign(SPACE, DEVICE, 32)


def test_a_known_device_is_recovered():
    profile = profile_of(CAMPAIGN)
    assert profile.error < 0.001
    assert profile.work_error < 0.01
    assert profile.networks == len(CAMPAIGN.networks)
    assert profile.wall == 1


def test_a_bad_take_of_one_network_does_not_matter():
    campaign = CAMPAIGN
    samples = [measured(campaign.reference)(network) for network in campaign.networks]
    bad = samples[7]
    samples[7] = Sample(
        bad.architecture, tuple(2 * x for x in bad.blocks), bad.rest, 2 * bad.step, 0.3, 9.9, 3.0
    )
    network = campaign.networks[7]
    assert Predictor(campaign.fit(samples))(network).ms == pytest.approx(step_ms(network), rel=0.01)


def test_noise_averages_out():
    """3% on every block of every network: what networks of a noisy machine would show."""
    campaign, rng = CAMPAIGN, random.Random(0)
    samples = []
    for network in campaign.networks:
        one = measured(campaign.reference)(network)
        noisy = tuple(time * rng.gauss(1, 0.03) for time in one.blocks)
        samples.append(
            Sample(one.architecture, noisy, one.rest, sum(noisy) + one.rest, 0.01, one.reference_ms, 1.0)
        )
    predictor = Predictor(campaign.fit(samples))
    drawn = [SPACE.at(SPACE.sample(rng)) for _ in range(50)]
    errors = [predictor(network).ms / step_ms(network) - 1 for network in drawn]
    assert np.mean(np.abs(errors)) < 0.015
    assert predictor.profile.blocks["fused_d1_k3_s2_e4_w24@16x32"].spread == pytest.approx(0.03, abs=0.03)


@pytest.mark.parametrize("constant", [-0.05, 0.0, 0.3])
def test_the_constant_of_an_inference_is_fitted_to_whole_networks(constant):
    campaign = Campaign(SPACE, DEVICE, 1, cost="latency")
    unit = latency_ms(campaign.reference)
    samples = [latency_sample(network, unit) for network in campaign.networks]
    shifted = [replace(sample, step=sample.step + constant / unit) for sample in samples]
    predictor = Predictor(campaign.fit(shifted))
    rng = random.Random(0)
    for network in (SPACE.at(SPACE.sample(rng)) for _ in range(20)):
        assert predictor(network).ms == pytest.approx(latency_ms(network) + constant, rel=0.01)


def test_a_constant_never_makes_a_latency_negative():
    campaign = Campaign(SPACE, DEVICE, 1, cost="latency")
    unit = latency_ms(campaign.reference)
    samples = [latency_sample(network, unit) for network in campaign.networks]
    profile = campaign.fit([replace(sample, step=sample.step * 1e-3) for sample in samples])
    assert Predictor(profile).range(SPACE)[0] > 0


def test_without_samples_there_is_no_profile():
    with pytest.raises(UserError, match="at least one"):
        fit([], DEVICE, 32, "effv2_32", SPACE.at((0,) * len(SPACE.choices)), "now")


def test_rates_are_never_negative():
    works = [{"a": 1.0, "b": 1.0}, {"a": 2.0}, {"a": 1.0, "b": 3.0}]
    assert rates(works, np.array([2.0, 2.0, 4.0])) == pytest.approx({"a": 1.0, "b": 1.0})
    assert set(rates(works, np.array([1.0, 3.0, 0.5]))) == {"a"}


def test_a_sample_survives_json():
    sample = measured(SPACE.at((0,) * len(SPACE.choices)))(SPACE.at((0,) * len(SPACE.choices)))
    assert Sample.from_dict(sample.to_dict()) == sample


def test_kinds_of_work_that_near_networks_lack_are_learnt_from_the_others():
    """Without dense 5 x 5 convolutions among the near networks, their time would be taken for none."""
    campaign = Campaign(SPACE, DEVICE, 1, cost="latency")
    unit = latency_ms(campaign.reference)
    samples = [latency_sample(network, unit) for network in campaign.networks]
    without = [one for one in samples if not _has_dense_5(one.architecture)]
    wide = SPACE.at(tuple(1 if c.name.endswith("kernel") else 0 for c in SPACE.choices))
    assert _has_dense_5(str(wide)) and 10 < len(without) < len(samples)
    network = replace(wide, stem=replace(wide.stem, width=40))  # none of its first blocks was measured
    blind, seeing = (Predictor(campaign.fit(without, far))(network).ms for far in ([], samples))
    assert blind < 0.8 * latency_ms(network)
    assert seeing == pytest.approx(latency_ms(network), rel=0.03)


def _has_dense_5(architecture):
    return any(stage.startswith("fused") and "_k5_" in stage for stage in architecture.split("/"))
