"""A child with inherited weights is a network like any other: every form computes its logits."""

import io
import random

import numpy as np
import onnxruntime
import pytest
import torch
from helpers.members import loaded, logits
from helpers.models import model

from search.models.forms.exported_program import program
from search.models.forms.onnx import onnx_file
from search.models.forms.standalone import python_file
from search.models.forms.timm import timm_file
from search.models.forms.torchvision import torchvision_file
from space import Space, UserError, decode
from space.choices.inside import inside
from space.weights import rebuild
from space.weights.children import inherit, order

PARENT = decode(
    "r32_i16/mb_d1_k3_s1_e1_w8_se0.25/mb_d2_k5_s2_e6_w16_se0.25/mb_d3_k5_s1_e6_w32_se0.25/h64_c10"
)
ODD = decode("r32_i20/mb_d1_k3_s1_e1_w12_se0.25/mb_d3_k5_s2_e6_w20_se0.25/mb_d3_k7_s1_e4_w36_se0.25/h60_c10")
"""A parent whose widths are no multiples of 8."""
ODD_CHILD = decode(
    "r32_i12/mb_d1_k3_s1_e1_w8_se0.25/mb_d2_k3_s2_e3_w12_se0.25/mb_d1_k5_s1_e2.5_w20_se0.25/h44_c10"
)
"""A child of `ODD` in narrower layers, smaller kernels, fewer blocks, and expanded widths such as 50."""

EVEN_CHILD = decode(
    "r32_i12/mb_d1_k3_s1_e1_w8_se0.25/mb_d2_k3_s2_e4_w12_se0.25/mb_d1_k5_s1_e4_w20_se0.25/h44_c10"
)
"""A child of `ODD` whose expanded widths are multiples of 8, as timm requires, though the others are not."""


def child_of(parent, network):
    """Return the model of a child with what it inherits from shaken weights of its parent."""
    inherited = inherit(order(model(parent, norm_eps=1e-5).weights), network)
    child = model(network, norm_eps=1e-5)
    child.weights.tensors.update(inherited.tensors)
    return child


def drawn():
    """Return children of `PARENT` of which one is less deep and one has smaller kernels than it."""
    space, rng = Space.of(inside(PARENT)), random.Random(4)
    networks = [space.at(space.sample(rng)) for _ in range(2)]
    assert any(stage.depth < 3 for network in networks for stage in network.stages[-1:])
    assert any(stage.kernel < 5 for network in networks for stage in network.stages[1:])
    return [child_of(PARENT, network) for network in networks]


def standalone_loaded(child, folder):
    """Return the network of the exported Python file, which needs torch alone, with the child's weights."""
    namespace = {}
    exec(compile(python_file("child", child), "network", "exec"), namespace)
    network = namespace["Network"]().eval()
    network.load_state_dict(child.weights.tensors)
    return network


FORMS = {
    "python": standalone_loaded,
    "timm": lambda child, folder: loaded(timm_file("child", child), child, folder),
    "torchvision": lambda child, folder: loaded(torchvision_file("child", child), child, folder),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_child_give_the_same_logits(tmp_path, form):
    for number, child in enumerate(drawn()):
        (folder := tmp_path / str(number)).mkdir()
        assert torch.allclose(*logits(child, FORMS[form](child, folder), 32), atol=1e-6)


@pytest.mark.parametrize("form", [timm_file, torchvision_file])
def test_libraries_that_would_round_widths_are_refused(form):
    with pytest.raises(UserError, match="would expand 12 channels to 40, not 36") as refused:
        form("child", child_of(ODD, ODD_CHILD))
    assert "\n" not in str(refused.value)


def test_timm_keeps_widths_that_are_no_multiples_of_8_where_the_expanded_ones_are(tmp_path):
    child = child_of(ODD, EVEN_CHILD)
    assert torch.allclose(*logits(child, FORMS["timm"](child, tmp_path), 32), atol=1e-6)
    with pytest.raises(UserError, match="would round 12 channels to 16"):
        torchvision_file("child", child)


def test_files_of_any_width_give_the_same_logits(tmp_path):
    child = child_of(ODD, ODD_CHILD)
    images = torch.randn(2, 3, 32, 32)
    expected = rebuild(child.weights).eval()(images).detach()
    assert torch.equal(standalone_loaded(child, tmp_path)(images), expected)
    session = onnxruntime.InferenceSession(onnx_file("child", child))
    (found,) = session.run(None, {"images": images.numpy()})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    exported = torch.export.load(io.BytesIO(program("child", child))).module()
    assert torch.allclose(exported(images), expected, atol=1e-5)
