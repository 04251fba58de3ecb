import pytest

from search.models.inference import Conditions
from search.profiles import Predictor
from search.profiles.blocks import parts
from search.profiles.campaign import Campaign
from search.profiles.latency_bench import latency_bench
from space import Space, UserError, decode
from space.timing.ratio import StepTime

SPACE = Space.load("tiny_space")
REFERENCE = decode("r16_i8_s1/fused_d1_k3_s2_e4_w8/fused_d2_k3_s2_e1_w16/h32_c10")
NETWORK = decode("r16_i8_s1/fused_d2_k3_s2_e4_w8/mb_d1_k3_s2_e4_w16_se0.25/h64_c1000")
"""A network with a classifier that takes several microseconds, the unit of onnxruntime's profile."""


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_a_sample_has_the_blocks_of_a_network(runtime):
    with latency_bench(Conditions(runtime), REFERENCE) as bench:
        sample = bench.measure(NETWORK)
        assert bench.seconds([NETWORK, REFERENCE]) > 2
    assert sample.architecture == str(NETWORK)
    assert len(sample.blocks) == len(parts(NETWORK))
    assert sum(sample.blocks) + sample.rest == pytest.approx(sample.step)
    assert min(*sample.blocks, sample.rest, sample.reference_ms, sample.wall) > 0


def test_an_inference_beyond_all_memory_is_refused():
    beyond = Conditions("torch", batch=10**12)
    with pytest.raises(UserError, match="does not fit into memory"), latency_bench(beyond, REFERENCE):
        pass
    with latency_bench(Conditions("torch"), REFERENCE) as bench:
        bench._conditions = beyond
        for taken in (bench.measure, bench.time):
            with pytest.raises(UserError, match=f"An inference of {NETWORK} on .* does not fit into memory"):
                taken(NETWORK)


def test_a_profile_of_real_inferences_predicts_them():
    conditions = Conditions("torch")
    campaign = Campaign(SPACE, conditions.described(), 1, max_networks=3, cost="latency")
    with latency_bench(conditions, campaign.reference) as bench:
        profile = campaign.fit([bench.measure(network) for network in campaign.networks])
    assert profile.cost == "latency"
    assert "params" not in profile.rest
    assert profile.error < 0.5
    assert not Predictor(profile)(campaign.networks[0]).flagged


@pytest.mark.parametrize(
    ("references", "ratio", "takes"),
    [
        ([1.05], 1, 1),  # the first one is quiet
        ([2.0, 1.6, 1.08, 1.0], 3, 3),  # disturbed twice
        ([3.0, 2.0, 1.5, 2.5, 2.6, 2.0, 1.9, 1.7, 1.0], 3, 8),  # never quiet: the fastest
    ],
)
def test_a_disturbed_measurement_is_repeated(monkeypatch, references, ratio, takes):
    taken = []

    def in_turns(*arguments):
        taken.append(references[len(taken)])
        return StepTime(len(taken), 0.0, 9, 1.0, taken[-1], 1.0, 1.0)

    with latency_bench(Conditions("torch"), REFERENCE, fastest_ms=1e-9) as bench:
        assert bench.reference_ms > 1e-9  # only the time that is given is that short
        bench._fastest = 1.0
        monkeypatch.setattr("search.profiles.latency_bench.in_turns", in_turns)
        assert bench.ratio(NETWORK) == ratio
    assert len(taken) == takes
