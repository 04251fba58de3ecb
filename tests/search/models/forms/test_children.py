"""A child with inherited weights is a network like any other: every form computes its logits."""

import random

import pytest
import torch
from helpers.members import loaded, logits
from helpers.models import model

from search.models.forms.timm import timm_file
from search.models.forms.torchvision import torchvision_file
from space import Space, decode
from space.choices.inside import inside
from space.weights.children import inherit, order

PARENT = decode(
    "r32_i16/mb_d1_k3_s1_e1_w8_se0.25/mb_d2_k5_s2_e6_w16_se0.25/mb_d3_k5_s1_e6_w32_se0.25/h64_c10"
)


@pytest.mark.parametrize("form", [timm_file, torchvision_file])
def test_forms_of_a_child_give_the_same_logits(tmp_path, form):
    parent, space, rng = model(PARENT, norm_eps=1e-5), Space.of(inside(PARENT)), random.Random(4)
    for number in range(2):
        (folder := tmp_path / str(number)).mkdir()
        weights = inherit(order(parent.weights), space.at(space.sample(rng)))
        child = model(weights.architecture, norm_eps=1e-5)
        child.weights.tensors.update(weights.tensors)
        assert torch.allclose(*logits(child, loaded(form("child", child), child, folder), 32), atol=1e-6)
