"""The maps saved in a training, compared with those that torch's autograd saves, to the element."""

from dataclasses import replace

import pytest
import torch
from helpers.strategies import architectures
from hypothesis import given, settings
from torch.nn import functional

from space import Architecture, Head, cost, decode, published
from space.cost.memory import inference_memory, saved_activations, stage_saved, training_memory
from space.network.network import build


def measured(architecture: Architecture, batch: int) -> int:
    """Elements of distinct tensors that torch keeps for the backward pass of a training step on `batch` images."""
    network = build(architecture)
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    stored: dict[int, torch.Tensor] = {}

    def keep(tensor):
        if tensor.is_floating_point() and tensor.untyped_storage().data_ptr() not in own:
            stored[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    images = torch.rand(batch, architecture.channels, architecture.resolution, architecture.resolution)
    labels = torch.arange(batch) % architecture.classes
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = functional.cross_entropy(network(images), labels, label_smoothing=0.1)
    assert loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() // tensor.element_size() for tensor in stored.values())


@pytest.mark.parametrize(
    "text",
    [
        "r32_i8_s1/fused_d2_k3_s1_e1_w8/fused_d2_k3_s2_e4_w16/mb_d3_k5_s2_e4_w16_se0.25/h32_c10",
        "r33_i8_relu/fused_d2_k3_s1_e1_w8_relu/mb_d2_k3_s1_e6_w8_se0.25_relu/h32_c10_relu",
        "r24_i8_s1_x1/fused_d2_k3_s1_e1_w8_se0.5/fused_d2_k3_s2_e4_w16_se0.25_hardswish/h16_c3_relu6",
        "r16_i8/mb_d2_k3_s1_e1_w8_se0.25_relu6/mb_d1_k3_s2_e1_w12/h16_c2",
        "r24_i8_hardswish/mbv3_d2_k3_s2_e4_w16_se0.25_hardswish/mbv3_d2_k3_s1_e1_w16_se0.5_relu/h16_c3_hardswish",
    ],
)
def test_it_keeps_what_torch_keeps(text):
    """Two batches: what belongs to channels and not to images cancels in their difference."""
    architecture = decode(text)
    assert measured(architecture, 5) - measured(architecture, 3) == 2 * saved_activations(architecture)


@given(architectures(max_resolution=40, ops=("mb", "fused", "mbv3")))
@settings(deadline=None, max_examples=25)
def test_it_keeps_what_torch_keeps_for_any_network(architecture):
    architecture = replace(
        architecture,
        resolution=max(architecture.resolution, 8),  # A batch of one pixel has no variance to normalise by.
        stem=replace(architecture.stem, op="conv"),
        head=Head(architecture.head.width or 8, architecture.head.act),
    )
    assert measured(architecture, 5) - measured(architecture, 3) == 2 * saved_activations(architecture)


def test_memory_is_of_parameters_and_images():
    b0 = published("b0").architecture
    assert training_memory(b0, 0) == 16 * cost(b0).params
    assert training_memory(b0, 32) - training_memory(b0, 0) == 32 * 4 * saved_activations(b0)


@given(architectures())
@settings(deadline=None)
def test_more_of_anything_keeps_more(architecture):
    deeper = tuple(replace(stage, depth=stage.depth + 1) for stage in architecture.stages)
    assert saved_activations(replace(architecture, stages=deeper)) > saved_activations(architecture)
    assert saved_activations(
        replace(architecture, resolution=2 * architecture.resolution)
    ) >= saved_activations(architecture)
    assert (
        saved_activations(replace(architecture, classes=architecture.classes + 1))
        == saved_activations(architecture) + 1
    )


@pytest.mark.parametrize(
    ("network", "elements"),
    [
        # The stem: 3 x 64 pixels in, 8 x 64 out.
        ("r8_i8_s1/fused_d1_k3_s2_e1_w8/h0_c3", 11 * 64),
        # The shortcut keeps the block's input beside both maps of the projection.
        ("r8_i8_s1/fused_d1_k3_s1_e4_w8/h0_c3", (8 + 32 + 8) * 64),
        # A change of width has no shortcut: the input is gone when the projection runs.
        ("r8_i8_s1/fused_d1_k3_s1_e4_w16/h0_c3", (32 + 16) * 64),
        # Squeeze-excitation keeps its 16 gates until the scaled map is projected.
        ("r8_i4_s1/mb_d1_k3_s1_e4_w8_se0.25/h0_c3", 2 * 16 * 64),
        ("r8_i4_s1/mb_d1_k3_s1_e4_w32_se0.25/h0_c3", (16 + 32) * 64 + 16),
        ("r8_i4_s1/fused_d1_k3_s1_e1_w4/h512_c3", (4 + 512) * 64),
    ],
)
def test_the_maps_of_an_inference_at_the_peak(network, elements):
    assert inference_memory(decode(network)) == 4 * elements
    assert inference_memory(decode(network), batch=3) == 3 * 4 * elements


@given(architectures())
@settings(max_examples=30)
def test_the_peak_is_at_least_the_largest_input_and_output_of_a_layer(architecture):
    """Measured on the built network, for families that join their layers in any way."""
    largest = 0

    def look(module, inputs, output):
        nonlocal largest
        largest = max(largest, output.numel())

    network = build(architecture).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(look)
    with torch.no_grad():
        network(torch.zeros(1, architecture.channels, architecture.resolution, architecture.resolution))
    assert inference_memory(architecture) >= 4 * largest


def test_blocks_without_padding_keep_maps_of_their_own_sizes():
    (stage,) = decode("r64_i16/inception_d4_s2_w24_b:3v:1/h0_c10").stages
    first, after = stage_saved(replace(stage, depth=1), 16, 32)
    further = [stage_saved(replace(stage, depth=1, stride=1), 24, size) for size in (15, 13, 11)]
    assert (after, [size for _, size in further]) == (15, [13, 11, 9])
    assert stage_saved(stage, 16, 32) == (first + sum(saved for saved, _ in further), 9)
