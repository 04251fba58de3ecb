import json
from dataclasses import replace
from importlib.util import find_spec

import pytest
from click.testing import CliRunner
from helpers.fake_device import profile_of

from search.cli.main import search
from search.models import inference, onnx_session
from search.models.inference import measured
from search.profiles.campaign import Campaign
from search.profiles.profile import file_of
from space import Space, UserError, cost, decode
from space.cost.memory import inference_memory
from space.timing.device import this_device

NETWORK = "r16_i8_s1/fused_d1_k3_s2_e4_w8/fused_d2_k3_s2_e1_w16/h32_c10"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(search, ("measure", *words), catch_exceptions=False).stdout


def test_the_latency_of_a_network(run):
    first, about, latency, size, memory = run(NETWORK).splitlines()
    assert first == NETWORK
    assert "onnxruntime " in about
    assert about.endswith("1 image of 16 px")
    assert latency.startswith("latency ")
    assert size == (
        f"size    {cost(decode(NETWORK)).size:,} bytes (float32 weights with batch normalisation folded in)"
    )
    assert memory.startswith(f"memory  {inference_memory(decode(NETWORK)):,} bytes")


def test_seconds_are_written_out(run, monkeypatch):
    slow = lambda network, conditions: replace(measured(network, conditions), ms=1234.5, p95=20_000)  # noqa: E731
    monkeypatch.setattr(inference, "measured", slow)
    latency = run(NETWORK).splitlines()[2]
    assert latency.startswith("latency 1,234.5 ms +- ")
    assert "95% within 20,000.0 ms" in latency


def test_torch_and_a_batch_as_json(run):
    measured = json.loads(run(NETWORK, "runtime=torch", "batch=2", "device=cpu", "--json"))
    assert measured["latency"]["device"]["runtime"] == "torch"
    assert measured["latency"]["batch"] == 2
    assert 0 < measured["latency"]["ms"] <= measured["latency"]["p95"]
    assert measured["activation_bytes"] == 2 * inference_memory(decode(NETWORK))


def test_a_training_step(run):
    first, about, step, memory = run(NETWORK, "cost=step", "batch=2").splitlines()
    assert first == NETWORK
    assert about.endswith("float32; 2 images of 16 px")
    assert step.startswith("training step ")
    assert memory.startswith("memory of a training step: ")


def test_a_step_with_its_prediction(run):
    space, here = Space.load("tiny_space"), this_device("cpu")
    profile_of(Campaign(space, here, 2)).save(file_of(here, 2, space))
    told = "training step predicted by this device's profile"
    assert run(NETWORK, "cost=step", "batch=2").splitlines()[-1].startswith(told)
    assert told not in run(NETWORK, "cost=step", "batch=2", "precision=bfloat16")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["b00"], "Did you mean 'b0'"),
        ([NETWORK, "batch=0"], "batch=0"),
        ([NETWORK, "threads=0"], "threads=0"),
        ([NETWORK, "networks=3"], "Unknown setting 'networks'"),
        ([NETWORK, "runtime=onnxruntim"], "Did you mean 'onnxruntime'"),
        ([NETWORK, "device=cuda"], "try runtime=torch"),
        ([NETWORK, "cost=params"], "cost to measure"),
        ([NETWORK, "cost=step", "batch=0"], "batch=0"),
        (["none:3"], "no run"),
    ],
)
def test_mistakes(run, words, message):
    with pytest.raises(UserError, match=message):
        run(*words)


def test_a_missing_package_names_the_extra(run, monkeypatch):
    monkeypatch.setattr(
        onnx_session, "find_spec", lambda name: None if name == "onnxruntime" else find_spec(name)
    )
    with pytest.raises(UserError, match=r"need onnxruntime: pip install 'compound-nas\[onnx\]'"):
        run(NETWORK)
