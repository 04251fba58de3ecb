"""A network as timm builds it: a Python file with its `arch_def` and a loader of the weights."""

from __future__ import annotations

from math import prod

from search.models.forms.library import in_docstring, inner, loading, require_expanded, require_squeezed
from search.models.model import Model
from space import Architecture, Stage, Stem, UserError
from space.block_strings import encode_blocks

_ACTS = {"silu": "swish", "relu": "relu", "relu6": "relu6", "hardswish": "hard_swish"}
"""The names of activations in `timm.layers.get_act_layer`, by our names."""
_MIN_OUTPUT_STRIDE = 32
"""timm's default `output_stride`. Where the total stride is larger, timm replaces strides by dilations."""
_LIBRARY = "timm's EfficientNet"


def timm_file(name: str, model: Model) -> str:
    """Return the text of timm_network.py, which needs timm and safetensors.

    Raises `UserError` for a network that timm's EfficientNet cannot express, or would build with another width.
    """
    from space.weights import weight_format

    network, conventions = model.architecture, model.weights.conventions
    definition = arch_def(network)
    modules = weight_format("timm").modules(network)
    stem = network.stem
    return _TEXT.format(
        name=in_docstring(name),
        network="\n/".join(str(network).split("/")),
        arch_def="".join(f"    {line!r},\n".replace("'", '"') for line in definition),
        classes=network.classes,
        features=network.head.width,
        channels=network.channels,
        width=stem.width,
        output_stride=max(_MIN_OUTPUT_STRIDE, 2 * prod(stage.stride for stage in network.stages)),
        padding="same" if conventions.padding == "same" else "",
        act=_ACTS[stem.act],
        eps=conventions.norm_eps,
        momentum=conventions.norm_momentum,
        kernel=stem.kernel,
        stride=stem.stride,
    ) + loading("timm", dict(modules))


def arch_def(architecture: Architecture) -> list[list[str]]:
    """Return timm's block strings, a list for each of timm's stages. Raises `UserError` as `timm_file` does."""
    from space.weights.timm import grouped

    head, stem = architecture.head, architecture.stem
    if {stage.op for stage in architecture.stages} & {"mbv3", "fusedkeep"} or head.hidden or not head.bias:
        raise UserError(f"{_LIBRARY} is written only for MBConv and Fused-MBConv with EfficientNet's head.")
    if stem.act not in _ACTS or (head.width and head.act != stem.act):
        raise UserError(
            f"{_LIBRARY} has one activation for stem and head, and no sigmoid; these are {stem.act} and {head.act}."
        )
    for block in inner(architecture):
        require_expanded(_LIBRARY, block)
        # timm's rule: a share of the expanded channels, rounded.
        theirs = round(block.hidden * (block.stage.se / block.stage.expand))
        require_squeezed(_LIBRARY, block, theirs)
    words = iter(encode_blocks(architecture, "timm").split(","))
    return [[next(words) + _act(stage, stem) for stage in stages] for stages in grouped(architecture)]


def _act(stage: Stage, stem: Stem) -> str:
    """Return the suffix for SiLU if the stage has SiLU and the stem another activation, else "".

    Our strings omit SiLU, and timm would then use the stem's activation.
    """
    return "_nsw" if stage.act == "silu" != stem.act else ""


_TEXT = '''"""{name}, as timm builds it. Needs timm (tested with 1.0.31) and safetensors.

{network}

    network = load("model.safetensors")
"""

from functools import partial

from timm.layers import create_conv2d, get_act_layer
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.efficientnet import EfficientNet
from torch import nn

ARCH_DEF = [
{arch_def}]


def network(**options):
    """Return the network with fresh weights. options: drop_rate, drop_path_rate and others of timm's EfficientNet."""
    model = EfficientNet(
        decode_arch_def(ARCH_DEF),
        num_classes={classes},
        num_features={features},
        in_chans={channels},
        stem_size={width},
        output_stride={output_stride},
        pad_type="{padding}",
        act_layer=get_act_layer("{act}"),
        norm_layer=partial(nn.BatchNorm2d, eps={eps!r}, momentum={momentum!r}),
        round_chs_fn=int,
        **options,
    )
    model.conv_stem = create_conv2d({channels}, {width}, {kernel}, stride={stride}, padding="{padding}")
    return model
'''
