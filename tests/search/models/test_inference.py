from importlib.metadata import version

import pytest
import torch

from search.models.inference import Conditions, fresh, measured, prepared
from search.profiles.blocks import parts
from space import UserError, decode
from space.network.network import build

NETWORK = decode("r16_i8_s1/fused_d2_k3_s1_e4_w8/mb_d2_k5_s2_e4_w16_se0.25/h32_c10")
HEADLESS = decode("r16_i8_s1/fused_d1_k3_s2_e1_w8/h0_c10")


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
@pytest.mark.parametrize("network", [NETWORK, HEADLESS], ids=["head", "no head"])
def test_blocks_are_those_of_a_profile_and_the_classifier(runtime, network):
    inference = prepared(build(network), Conditions(runtime))
    inference.run()
    times = inference.blocks()
    assert len(times) == len(parts(network)) + 1
    assert all(ms > 0 for ms in times)


def test_a_measured_latency():
    timing = measured(fresh(build(NETWORK)), Conditions(batch=2))
    assert timing.repeats >= 40
    assert 0 < timing.ms <= timing.p95
    assert (timing.batch, timing.resolution) == (2, 16)


def test_conditions_are_part_of_the_device():
    device = Conditions(threads=2).described()
    assert device.threads == 2
    assert device.runtime.startswith(f"onnxruntime {version('onnxruntime')}, opset ")
    assert Conditions("torch").described().runtime == "torch"


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (Conditions(device="cuda"), "try runtime=torch"),
        (Conditions(precision="bfloat16"), "computes in float32, not in bfloat16"),
    ],
)
def test_what_onnxruntime_does_not_do_is_refused(conditions, message):
    with pytest.raises(UserError, match=message):
        conditions.described()


def test_no_map_of_a_deep_network_with_fresh_weights_is_denormal():
    torch.manual_seed(0)
    deep = build(decode("r8_i8_s1/fused_d100_k3_s1_e1_w9/h8_c3"))
    network = fresh(deep)
    maps = []
    for stage in network.stages:
        stage[-1].register_forward_hook(lambda module, inputs, output: maps.append(output))
    with torch.no_grad():
        network(torch.randn(1, 3, 8, 8))
    assert not network.training
    assert all(1e-3 < each.abs().median() < 1e6 for each in maps)
