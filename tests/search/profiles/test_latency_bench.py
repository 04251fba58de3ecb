import pytest

from search.models.inference import Conditions
from search.profiles import Predictor
from search.profiles.blocks import parts
from search.profiles.campaign import Campaign
from search.profiles.latency_bench import latency_bench
from space import Space, decode

SPACE = Space.load("tiny_space")
REFERENCE = decode("r16_i8_s1/fused_d1_k3_s2_e4_w8/fused_d2_k3_s2_e1_w16/h32_c10")
NETWORK = decode("r16_i8_s1/fused_d2_k3_s2_e4_w8/mb_d1_k3_s2_e4_w16_se0.25/h0_c10")


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_a_sample_has_the_blocks_of_a_network(runtime):
    with latency_bench(Conditions(runtime), REFERENCE) as bench:
        sample = bench.measure(NETWORK)
        assert bench.seconds([NETWORK, REFERENCE]) > 2
    assert sample.architecture == str(NETWORK)
    assert len(sample.blocks) == len(parts(NETWORK))
    assert sum(sample.blocks) + sample.rest == pytest.approx(sample.step)
    assert min(*sample.blocks, sample.rest, sample.reference_ms, sample.wall) > 0


def test_a_profile_of_real_inferences_predicts_them():
    conditions = Conditions("torch")
    campaign = Campaign(SPACE, conditions.described(), 1, max_networks=3, cost="latency")
    with latency_bench(conditions, campaign.reference) as bench:
        profile = campaign.fit([bench.measure(network) for network in campaign.networks])
    assert profile.cost == "latency"
    assert "params" not in profile.rest
    assert profile.error < 0.5
    assert not Predictor(profile)(campaign.networks[0]).flagged
