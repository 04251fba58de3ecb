"""MobileNetV4 and random networks of its blocks are the same functions as timm's."""

import random
from functools import partial

import pytest
import torch
from helpers.models import shaken
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.mobilenetv3 import MobileNetV3
from torch import nn

from space import Architecture, Head, Stage, Stem, build, cost, decode, encode
from space.block_strings import decode_blocks, encode_blocks
from space.weights import from_ours, to_ours
from space.weights.timm import grouped

EPS = 1e-5


def drawn(seed: int) -> Architecture:
    """A random network: two plain convolutions, a fused block, and up to six stages of universal bottlenecks."""
    rng = random.Random(seed)
    act = "relu"
    first = Stage("fused", 1, 3, 2, 1, 16, act=act), Stage("fused", 1, 1, 1, 1, 24, act=act, skip=False)
    middle = Stage("fused", rng.randint(1, 2), 3, rng.choice((1, 2)), rng.choice((2, 4)), 32, act=act)
    last = [_bottleneck(rng, stride=2 if number in (0, 3) else 1) for number in range(rng.randint(3, 6))]
    head = Head(rng.choice((48, 96)), act, hidden=64, norm=True)
    stem = Stem(rng.choice((8, 24)), act=act)
    return Architecture(64, stem, (*first, middle, *last), head, classes=7, channels=rng.choice((1, 3)))


def _bottleneck(rng: random.Random, stride: int) -> Stage:
    pairs = [(start, kernel) for start in (0, 3, 5) for kernel in (0, 3, 5)]
    start, kernel = rng.choice(pairs[1:] if stride == 2 else pairs)
    width, expand = rng.choice((32, 40)), rng.choice((1, 2, 3, 4, 6))
    return Stage("uib", rng.randint(1, 3), kernel, stride, expand, width, act="relu", start=start)


def theirs(architecture: Architecture) -> nn.Module:
    """The network that timm builds from our block strings."""
    words = iter(encode_blocks(architecture, "timm").split(","))
    head = architecture.head
    definition = [[next(words) for _ in stages] for stages in grouped(architecture)]
    return MobileNetV3(
        decode_arch_def([*definition, [f"cn_r1_k1_s1_c{head.width}"]]),
        num_classes=architecture.classes,
        in_chans=architecture.channels,
        stem_size=architecture.stem.width,
        num_features=head.hidden,
        head_bias=False,
        head_norm=True,
        act_layer=nn.ReLU,
        norm_layer=partial(nn.BatchNorm2d, eps=EPS),
        layer_scale_init_value=None,
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_random_network_is_timms(seed):
    torch.manual_seed(seed)
    architecture = drawn(seed)
    other = shaken(theirs(architecture))
    ours = build(architecture, norm_eps=EPS).eval()
    ours.load_state_dict(to_ours(other.state_dict(), architecture, "timm"))
    images = torch.randn(2, architecture.channels, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), other(images))
    assert cost(architecture).params == sum(parameter.numel() for parameter in other.parameters())
    back = from_ours(ours.state_dict(), architecture, "timm")
    assert back.keys() == other.state_dict().keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in other.state_dict().items())


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_random_networks_survive_both_notations(seed):
    architecture = drawn(seed)
    assert decode(encode(architecture)) == architecture
    strings = encode_blocks(architecture, "timm")
    assert encode_blocks(decode_blocks(strings), "timm") == strings
