"""The contract of a block family. A new entry in BLOCKS is held to it without a line added here."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from helpers.hooks import convolutions

from space.architecture import Architecture, Head, Stage, Stem, decode_stage, encode_stage
from space.blocks import BLOCKS
from space.conv import Conv
from space.network.network import build
from space.plan import plan

WIDTH_IN, SIZES = 16, (9, 14)
CASES = [
    Stage(op, 2, kernel, stride, expand, width, se, act)
    for op, (kernel, stride, expand, width, se, act) in product(
        BLOCKS,
        [
            (3, 1, 4, WIDTH_IN, 0.25, "silu"),
            (3, 2, 4, 24, 0.25, "silu"),
            (5, 1, 1, WIDTH_IN, 0, "relu"),
            (5, 2, 1, 24, 0.5, "hardswish"),
            (7, 2, 1.5, 40, 0, "relu6"),
            (1, 1, 0.5, 24, 1, "silu"),
        ],
    )
]
CASES += [
    replace(stage, **{field: value})
    for field, value in (("groups", 4), ("dilation", 2), ("skip", False), ("dilations", "1x1:2+2x1:1"))
    for stage in CASES
    if field in BLOCKS[stage.op].reads and stage.kernel == 3
]
ANOTHER = {
    "kernel": 9,
    "expand": 5,
    "se": 0.75,
    "act": "relu",
    "groups": 2,
    "dilation": 3,
    "dilations": "1x2:1",
}
contract = pytest.mark.parametrize("stage", CASES, ids=lambda stage: f"{CASES.index(stage)}-{stage.op}")


def made(stage: Stage):
    """The two blocks of a network of this one stage: as planned and as built."""
    architecture = Architecture(16, Stem(WIDTH_IN), (stage,), Head(8), 2)
    torch.manual_seed(0)
    return tuple(zip(plan(architecture)[1:-1], build(architecture).stages[0], strict=True))


def images(stage, number, height=SIZES[0], width=SIZES[1]):
    """Return the input of block `number` of a stage."""
    channels = stage.width if number else WIDTH_IN
    return torch.randn(3, channels, height, width).to(memory_format=torch.channels_last)


@contract
def test_it_runs_precisely_the_planned_convolutions(stage):
    for number, (planned, block) in enumerate(made(stage)):
        x = images(stage, number)
        seen = convolutions(block, x)
        assert [one.name for one in seen] == [f"{conv.name}.conv" for conv in planned.convs]
        ran = dict(zip((conv.name for conv in planned.convs), seen, strict=True))
        sizes = {"input": (x.shape[1], SIZES)}
        before = "input"
        for layer in planned.layers:
            read = [sizes[name] for name in (layer.reads or before).split("+")]
            width_in = sum(width for width, _ in read)
            size_in = (1, 1) if layer.pooled else read[0][1]
            sizes[layer.name] = layer.width, layer.size(*size_in)
            assert all(size == read[0][1] for _, size in read)
            if isinstance(layer, Conv):
                same_as_planned(ran[layer.name], layer, width_in, size_in)
            before = layer.name


def same_as_planned(one, conv, width_in, size_in):
    assert width_in % conv.width_in == 0, "it reads all channels, or one of equal parts"
    assert one.input == (3, conv.width_in, *size_in)
    assert one.output == (3, conv.width, *conv.size(*size_in))
    assert one.weight == (conv.width, conv.width_in // conv.groups, *conv.kernel)
    assert one.module.stride == (conv.stride, conv.stride)
    assert one.module.dilation == (conv.dilation, conv.dilation)
    assert one.module.groups == conv.groups
    assert (one.module.bias is not None) == conv.bias


@contract
def test_it_has_the_planned_parameters(stage):
    for planned, block in made(stage):
        assert sum(p.numel() for p in block.parameters()) == sum(layer.params for layer in planned.layers)
        for conv in planned.convs:
            layer = block.get_submodule(conv.name)
            norm = [part for part in layer if isinstance(part, torch.nn.BatchNorm2d)]
            assert [part.num_features for part in norm] == [conv.width] * conv.norm
            assert ("act" in dict(layer.named_children())) == bool(conv.act)


@contract
def test_its_output_is_of_the_stage_and_its_input_is_left_alone(stage):
    for number, (_, block) in enumerate(made(stage)):
        stride = 1 if number else stage.stride
        for height, width in (SIZES, (1, 1), (2, 5)):
            x = images(stage, number, height, width)
            before = x.clone()
            assert block(x).shape == (3, stage.width, -(-height // stride), -(-width // stride))
            assert torch.equal(x, before)


@contract
def test_gradients_reach_every_parameter_and_the_input(stage):
    for number, (_, block) in enumerate(made(stage)):
        x = images(stage, number).requires_grad_()
        block(x).square().sum().backward()
        for name, parameter in block.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name
        assert x.grad is not None
        assert x.grad.any()


@contract
def test_it_keeps_channels_last(stage):
    for number, (_, block) in enumerate(made(stage)):
        y = block.to(memory_format=torch.channels_last)(images(stage, number))
        assert y.is_contiguous(memory_format=torch.channels_last)


@contract
def test_the_shortcut_adds_the_input(stage):
    for number, (planned, block) in enumerate(made(stage)):
        block.eval()
        x = images(stage, number)
        with torch.no_grad():
            joined = BLOCKS[stage.op].forward(block, x)
            assert torch.equal(block(x), joined + x if planned.shortcut else joined)


@contract
def test_names_and_readings_of_the_plan_are_sound(stage):
    for planned, _ in made(stage):
        known = ["input"]
        for layer in planned.layers:
            assert layer.name not in known
            assert not layer.reads or set(layer.reads.split("+")) <= set(known)
            known.append(layer.name)


@contract
def test_its_string_says_what_it_reads_and_no_more(stage):
    assert decode_stage(encode_stage(stage)) == stage
    for field in ("kernel", "expand"):
        assert (f"_{field[0]}" in encode_stage(replace(stage, act="silu"))) == (
            field in BLOCKS[stage.op].reads
        )
    for name in ANOTHER:
        if name not in BLOCKS[stage.op].reads:
            other = {
                "kernel": 9,
                "expand": 5,
                "se": 0.75,
                "act": "relu",
                "groups": 2,
                "dilation": 3,
                "dilations": "1x2:1",
            }[name]
            assert replace(stage, **{name: other}) == stage
