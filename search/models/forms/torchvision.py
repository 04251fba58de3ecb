"""A network as torchvision builds it: a Python file with its `inverted_residual_setting`, for our weights."""

from __future__ import annotations

from search.models.forms.library import in_docstring, inner, loading, require_expanded
from search.models.model import Model
from space import Architecture, UserError
from space.conv import divisible

_LIBRARY = "torchvision's EfficientNet"
_RATIO = 0.25
"""Of squeeze-excitation, which its MBConv has unless told otherwise."""


def torchvision_file(name: str, model: Model) -> str:
    """The text of torchvision_network.py, which needs torchvision and safetensors.

    Raises `UserError` for what torchvision's EfficientNet lacks, and where it would round a width that we do not.
    """
    from space.weights.torchvision import efficientnet

    network, told = model.architecture, model.weights.conventions
    setting = inverted_residual_setting(network)
    stem = network.stem
    return _TEXT.format(
        name=in_docstring(name),
        network="\n/".join(str(network).split("/")),
        squeezed=_SQUEEZED if any("squeezed" in line for line in setting) else "",
        mind=_MIND.format(stride=network.stride) if told.padding == "same" else "",
        setting="".join(f"    {line},\n" for line in setting),
        classes=network.classes,
        last=network.head.width,
        eps=told.norm_eps,
        momentum=told.norm_momentum,
        stem=f"{network.channels}, {stem.width}, {stem.kernel}, {stem.stride}, {stem.kernel // 2}",
    ) + loading("torchvision", efficientnet(network))


def inverted_residual_setting(architecture: Architecture) -> list[str]:
    """The configurations of its stages, as Python writes them. Raises `UserError` as `torchvision_file`."""
    stem, head = architecture.stem, architecture.head
    _require_simple(architecture)
    if {stem.act, head.act} != {"silu"}:
        raise UserError(f"{_LIBRARY} has SiLU alone, not {stem.act} and {head.act}.")
    for block in inner(architecture):
        require_expanded(_LIBRARY, block)
    found, width = [], stem.width
    for stage in architecture.stages:
        kind = "MBConvConfig" if stage.op == "mb" else "FusedMBConvConfig"
        for channels in (width, stage.width) if stage.op == "mb" else ():
            if channels != divisible(channels):
                raise UserError(f"{_LIBRARY} would make {divisible(channels)} of {channels} channels.")
        values = (stage.expand, stage.kernel, stage.stride, width, stage.width, stage.depth)
        squeezed = "" if stage.op == "fused" or stage.se == _RATIO else f", block=squeezed({stage.se})"
        found.append(f"{kind}({', '.join(map(str, values))}{squeezed})")
        width = stage.width
    return found


def _require_simple(architecture: Architecture) -> None:
    """Raises `UserError` for other blocks than MBConv and Fused-MBConv as torchvision has them, and other heads."""
    head = architecture.head
    if architecture.stem.op != "conv" or not head.width or head.hidden or not head.bias:
        raise UserError(f"{_LIBRARY} has one convolution as its stem, and one and a classifier as its head.")
    for stage in architecture.stages:
        if stage.op not in ("mb", "fused"):
            raise UserError(f"{_LIBRARY} has MBConv and Fused-MBConv alone, not {stage.op}.")
        if stage.dilation > 1 or stage.dilations:
            raise UserError(f"{_LIBRARY} has no blocks with dilations.")
        if stage.op == "fused" and stage.se:
            raise UserError(f"{_LIBRARY} has no fused blocks with squeeze-excitation.")
        if not stage.skip:
            raise UserError(f"{_LIBRARY} has no blocks without shortcuts.")
        if stage.act != "silu":
            raise UserError(f"{_LIBRARY} has SiLU alone, not {stage.act}.")


_MIND = """
Mind: its weights were trained with TensorFlow's padding, which torchvision lacks. The logits are the same on
images of {stride}n + 1 pixels alone.
"""

_SQUEEZED = '''
def squeezed(ratio):
    """MBConv whose squeeze-excitation has this share of the channels that the block reads; 0: there is none."""

    def block(config, drop, norm_layer):
        narrow = max(1, int(config.input_channels * ratio))

        def layer(wide, _, activation):
            return SqueezeExcitation(wide, narrow, activation=activation) if ratio else nn.Identity()

        return MBConv(config, drop, norm_layer, layer)

    return block


'''

_TEXT = '''"""{name}, as torchvision builds it. Needs torchvision (0.29 is what was tried) and safetensors.

{network}

    network = load("model.safetensors")
{mind}"""

from functools import partial

from torch import nn
from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConv, MBConvConfig
from torchvision.ops import SqueezeExcitation

{squeezed}
# Expansion, kernel, stride, channels in and out, blocks.
INVERTED_RESIDUAL_SETTING = [
{setting}]


def network(dropout=0.0, stochastic_depth_prob=0.0):
    """With fresh weights."""
    made = EfficientNet(
        INVERTED_RESIDUAL_SETTING,
        dropout,
        stochastic_depth_prob,
        num_classes={classes},
        norm_layer=partial(nn.BatchNorm2d, eps={eps!r}, momentum={momentum!r}),
        last_channel={last},
    )
    made.features[0][0] = nn.Conv2d({stem}, bias=False)
    return made
'''
