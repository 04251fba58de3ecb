from importlib.metadata import version

import onnxruntime
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

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


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
def test_an_inference_beyond_all_memory_is_refused(runtime):
    """The images alone take more than a process can address."""
    with pytest.raises(UserError) as refused:
        measured(build(NETWORK), Conditions(runtime, batch=10**12))
    assert str(refused.value) == (
        f"An inference of {NETWORK} on 1,000,000,000,000 images does not fit into memory. Try batch=500000000000."
    )


@pytest.mark.parametrize("when", ["run", "run_with_iobinding"])
def test_memory_that_runs_out_inside_onnxruntime_is_told_in_one_line(when, monkeypatch):
    """At the first inference, for which onnxruntime allocates most of it, or later."""

    class Small(onnxruntime.InferenceSession):
        pass

    def fail(*arguments):
        raise Fail(
            "[ONNXRuntimeError] : 1 : FAIL : Failed to allocate memory for requested buffer of size 99"
        )

    setattr(Small, when, fail)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Small)
    with pytest.raises(UserError, match=r"on 1 image does not fit into memory\.$"):
        measured(build(NETWORK), Conditions())


def test_another_error_inside_an_inference_is_not_called_a_lack_of_memory(monkeypatch):
    def fail(session):
        raise Fail("[ONNXRuntimeError] : 1 : FAIL : no kernel")

    monkeypatch.setattr("search.models.onnx_session.Session.run", fail)
    with pytest.raises(Fail):
        measured(build(NETWORK), Conditions())


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
