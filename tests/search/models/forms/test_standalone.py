import ast
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.models import model
from helpers.strategies import architectures
from hypothesis import given, settings

import search.models.forms.standalone as module
from search.models.forms.standalone import python_file
from search.training.named_models import untrained
from space import (
    Architecture,
    Head,
    Multipliers,
    Stage,
    Stem,
    UserError,
    build,
    cost,
    decode,
    published,
    rescale,
)
from space.blocks import BLOCKS
from space.weights import rebuild

MIXED = decode(
    "r33_i8_k5_s1_x1_relu/fused_d2_k3_s1_e1_w8/fused_d3_k3_s2_e4_w16_se0.25_relu6"
    "/mb_d3_k5_s2_e6_w24_se0.25/mb_d1_k7_s1_e1_w24_hardswish/h40_c5_hardswish"
)


def load(path: Path):
    spec = importlib.util.spec_from_file_location("exported_network", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def source(name, architecture):
    return python_file(name, untrained(architecture, weights=False))


def written(path, text):
    path.write_text(text)
    return path


def same_function(architecture, path):
    torch.manual_seed(0)
    ours = build(architecture, drop_path=0.2)
    torch.manual_seed(0)
    theirs = load(path).Network(drop_path=0.2)
    state = ours.state_dict()
    assert list(theirs.state_dict()) == list(state)
    assert all(torch.equal(value, state[name]) for name, value in theirs.state_dict().items())
    assert sum(p.numel() for p in theirs.parameters()) == cost(architecture).params
    x = torch.randn(2, architecture.channels, architecture.resolution, architecture.resolution)
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), theirs.eval()(x))
        torch.manual_seed(1)
        trained = ours.train()(x)
        torch.manual_seed(1)
        assert torch.equal(trained, theirs.train()(x))
    return theirs


OTHERS = decode(
    "r33_i8_s1_pool_relu/shuffle_d2_k3_s2_w24_g4_relu/shufflev2_d2_k5_s2_w32_di2/mbv3_d2_k3_s1_e3_w32_se0.25"
    "/dw_d2_k3_s1_w32_relu6/sandglass_d2_k3_s1_e2_w32_noskip/h0_f8_c5_nobias"
)


SHALLOW = replace(rescale(published("b0").architecture, Multipliers(0.3, 0.3)), resolution=65)


@pytest.mark.parametrize("architecture", [MIXED, OTHERS, SHALLOW])
def test_the_file_is_the_same_network(tmp_path, architecture):
    same_function(architecture, written(tmp_path / "network.py", source("one", architecture)))


DILATED = decode("r20_i8/fused_d1_k3_s2_e2_w8_di:1x1:1+1x2:1/mb_d1_k3_s2_e2_w16_di:1x1:1+2x1:1/h16_c3")


@pytest.mark.parametrize("architecture", [MIXED, OTHERS, DILATED], ids=["mixed", "others", "dilated"])
def test_conventions_are_in_the_file(tmp_path, architecture):
    """TensorFlow's padding on maps of even size, and another epsilon, give other logits."""
    even = replace(architecture, resolution=32)
    made = model(even, padding="same", norm_eps=0.02, norm_momentum=0.3)
    theirs = load(written(tmp_path / "network.py", python_file("same", made))).Network().eval()
    theirs.load_state_dict(made.weights.tensors)
    x = torch.randn(2, even.channels, 32, 32)
    with torch.no_grad():
        assert torch.equal(theirs(x), rebuild(made.weights).eval()(x))
    norms = [m for m in theirs.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(0.02, 0.3)}


@settings(max_examples=8, deadline=None)
@given(architecture=architectures(max_width=12, max_depth=2, max_stages=3, max_resolution=20))
def test_any_network_can_be_written(tmp_path_factory, architecture):
    path = tmp_path_factory.mktemp("written") / "network.py"
    path.write_text(source("any", architecture))
    theirs = load(path).Network().eval()
    theirs.load_state_dict(build(architecture).state_dict())


def test_any_name_will_do():
    compile(source('a""" \\ {b}', MIXED), "name", "exec")


@pytest.mark.parametrize("op", BLOCKS)
def test_every_block_family_can_be_written(op):
    stage = Stage(op, 2, 3, 2, 4, 24, 0.25, "relu6", groups=4)
    compile(source(op, Architecture(32, Stem(16, op="pool"), (stage,), Head(0, hidden=8), 10)), op, "exec")


def test_the_file_imports_torch_alone():
    tree = ast.parse(source("mixed", MIXED))
    names = {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"__future__", "collections", "functools", "math", "torch", "typing"}


def test_a_family_that_leans_on_other_code_is_refused(monkeypatch):
    def forward(layers, x):
        return json.dumps(Path(x))

    monkeypatch.setitem(module.BLOCKS._ours, "mb", replace(BLOCKS["mb"], forward=forward))
    with pytest.raises(
        UserError, match=r"Op mb cannot be written as a file of its own: its forward uses Path"
    ):
        source("odd", decode("r32_i16/mb_d2_k3_s2_e4_w24/h64_c10"))
