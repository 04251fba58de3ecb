from dataclasses import replace

import pytest
import torch
from helpers.strategies import architectures
from hypothesis import given

from search.profiles.blocks import before_head, block_part, parts, parts_of_space, work, work_of_classifier
from space import Space, cost, decode, published
from space.architecture import Head, Stage
from space.blocks import BLOCKS
from space.network.network import build
from space.plan import plan
from space.timing.per_block import block_times
from space.timing.ratio import training_step


@given(architectures())
def test_the_blocks_are_those_of_the_plan(architecture):
    found, planned = parts(architecture), plan(architecture)
    *blocks, head = planned
    expected = [(block.layers, block.shortcut) for block in blocks]
    if len(head.layers) > 1:
        expected.append((head.layers[:-1], False))
    assert [(part.layers, part.shortcut) for part in found] == expected


@given(architectures())
def test_work_adds_up_to_the_cost(architecture):
    works = [work(part) for part in parts(architecture)]
    last = work_of_classifier(architecture, *before_head(architecture))
    macs = sum(amount for one in works for kind, amount in one.items() if kind.endswith(" macs"))
    assert macs + last["classifier macs"] == cost(architecture).macs
    assert sum(one.get("params", 0) for one in works) + last["params"] == cost(architecture).params
    written = sum(amount for one in works for kind, amount in one.items() if kind.endswith(" written"))
    assert written == cost(architecture).activations


def test_blocks_without_padding_are_at_places_of_their_own():
    shrinking = decode("r64_i16/inception_d3_s1_w16_b:3v:1/h0_c10")
    assert [part.size for part in parts(shrinking)] == [64, 32, 30, 28]
    assert before_head(shrinking) == (16, 26)
    macs = sum(
        amount for part in parts(shrinking) for kind, amount in work(part).items() if kind[-5:] == " macs"
    )
    assert macs + 160 == cost(shrinking).macs


def test_the_work_of_a_block():
    stage = decode("r8_i4/mb_d1_k3_s2_e4_w8_se0.25/h8_c3").stages[0]
    part = block_part(stage, 4, 2, 8)
    assert part.key == "mb_d1_k3_s2_e4_w8_se0.25@4x8"
    assert work(part) == {
        "dense1 macs": 64 * 4 * 16 + 16 * 16 * 8,
        "dense1 padded": 64 * 16 * 16 + 16 * 16 * 16,
        "dense1 read": 64 * 4 + 16 * 16,
        "dense1 written": 64 * 16 + 16 * 8,
        "dense1 count": 2,
        "depthwise3s2 macs": 16 * 9 * 16,
        "depthwise3s2 padded": 16 * 9 * 16,
        "depthwise3s2 read": 64 * 16,
        "depthwise3s2 written": 16 * 16,
        "depthwise3s2 count": 1,
        "pixel macs": 16 + 16,
        "pixel padded": 16 * 16 + 16 * 16,
        "pixel read": 16 + 1,
        "pixel written": 1 + 16,
        "pixel count": 2,
        "normalised": 64 * 16 + 16 * 16 + 16 * 8,
        "silu": 64 * 16 + 16 * 16 + 1,
        "sigmoid": 16,
        "linear": 16 * 8,
        "pooled": 16 * 16,
        "params": 64 + 32 + 144 + 32 + 17 + 32 + 128 + 16,
    }


def test_a_shortcut_is_added():
    stage = decode("r8_i8/fused_d1_k3_s1_e4_w8/h8_c3").stages[0]
    assert work(block_part(stage, 8, 1, 8))["added"] == 8 * 64
    assert "added" not in work(block_part(stage, 4, 1, 8))


@pytest.mark.parametrize("pinned", [{}, {"stages.2.depth": [0, 1, 2]}, {"stages.1.width": [24, 32]}])
def test_the_blocks_of_a_space_are_those_of_its_networks(pinned):
    small = {"stages.*.kernel": 3, "stages.*.expand": 4, "stages.3.depth": 1, "stages.4.depth": [1, 2]}
    space = Space.load("effv2_32", small | pinned)
    assert set(parts_of_space(space)) == {
        part.key for point in space.points() for part in parts(space.at(point))
    }


def test_published_networks_have_blocks():
    assert len({part.key for part in parts(published("v2-b0").architecture)}) == 13


@pytest.mark.parametrize("op", sorted(BLOCKS))
@pytest.mark.parametrize("head", [Head(8), Head(0), Head(8, hidden=5)], ids=["wide", "none", "hidden"])
def test_each_block_is_met_in_a_step_of_every_family(op, head):
    """A measured step consists of the blocks that a profile knows."""
    width = BLOCKS[op].multiple * 8
    network = replace(
        decode("r32_i8/mb_d1_k3_s1_e1_w8/h8_c3"),
        stages=(Stage(op, 2, 3, 2, 2, width),),
        head=head,
    )
    images, labels = torch.zeros(2, 3, 32, 32), torch.zeros(2, dtype=torch.long)
    reference = training_step(build(network), images, labels, None)
    found = block_times(build(network), images, labels, reference, steps=1, warmup=0, max_steps=1)
    assert len(found.blocks) == len(parts(network))
    assert all(work(part) for part in parts(network))
