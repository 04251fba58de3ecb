"""A network as torchvision builds it: a file with its `inverted_residual_setting` and a loader of the weights."""

from __future__ import annotations

from search.models.forms.library import in_docstring, inner, loading, require_expanded
from search.models.model import Model
from space import Architecture, UserError
from space.conv import divisible

_LIBRARY = "torchvision's EfficientNet"
_RATIO = 0.25
"""The default ratio of squeeze-excitation in torchvision's MBConv."""


def torchvision_file(name: str, model: Model) -> str:
    """Return the text of torchvision_network.py, which needs torchvision and safetensors.

    Raises `UserError` for a network that torchvision's EfficientNet cannot express, or would build with another
    width.
    """
    from space.weights.torchvision import efficientnet

    network, conventions = model.architecture, model.weights.conventions
    setting = inverted_residual_setting(network)
    stem = network.stem
    return _TEXT.format(
        name=in_docstring(name),
        network="\n/".join(str(network).split("/")),
        squeezed=_SQUEEZED if any("squeezed" in line for line in setting) else "",
        note=_NOTE.format(stride=network.stride) if conventions.padding == "same" else "",
        setting="".join(f"    {line},\n" for line in setting),
        classes=network.classes,
        last=network.head.width,
        eps=conventions.norm_eps,
        momentum=conventions.norm_momentum,
        stem=f"{network.channels}, {stem.width}, {stem.kernel}, {stem.stride}, {stem.kernel // 2}",
    ) + loading("torchvision", efficientnet(network))


def inverted_residual_setting(architecture: Architecture) -> list[str]:
    """Return torchvision's configuration of each stage as Python text.

    Raises `UserError` as `torchvision_file` does.
    """
    stem, head = architecture.stem, architecture.head
    _require_simple(architecture)
    if {stem.act, head.act} != {"silu"}:
        raise UserError(f"{_LIBRARY} has only SiLU; stem and head have {stem.act} and {head.act}.")
    for block in inner(architecture):
        require_expanded(_LIBRARY, block)
    lines, width = [], stem.width
    for stage in architecture.stages:
        kind = "MBConvConfig" if stage.op == "mb" else "FusedMBConvConfig"
        for channels in (width, stage.width) if stage.op == "mb" else ():
            if channels != divisible(channels):
                raise UserError(f"{_LIBRARY} would round {channels} channels to {divisible(channels)}.")
        values = (stage.expand, stage.kernel, stage.stride, width, stage.width, stage.depth)
        squeezed = "" if stage.op == "fused" or stage.se == _RATIO else f", block=squeezed({stage.se})"
        lines.append(f"{kind}({', '.join(map(str, values))}{squeezed})")
        width = stage.width
    return lines


def _require_simple(architecture: Architecture) -> None:
    """Raise `UserError` for blocks other than torchvision's MBConv and Fused-MBConv, and for another stem or head."""
    head = architecture.head
    if architecture.stem.op != "conv" or not head.width or head.hidden or not head.bias:
        raise UserError(
            f"{_LIBRARY} has a stem of one convolution, and a head of one convolution and a classifier with bias;"
            f" this network has the stem {architecture.stem.op} and the head {str(architecture).rpartition('/')[2]}."
        )
    for stage in architecture.stages:
        if stage.op not in ("mb", "fused"):
            raise UserError(f"{_LIBRARY} has only MBConv and Fused-MBConv, not {stage.op}.")
        if stage.dilation > 1 or stage.dilations:
            raise UserError(f"{_LIBRARY} has no blocks with dilations.")
        if stage.op == "fused" and stage.se:
            raise UserError(f"{_LIBRARY} has no fused blocks with squeeze-excitation.")
        if not stage.skip:
            raise UserError(f"{_LIBRARY} has no blocks without shortcuts.")
        if stage.act != "silu":
            raise UserError(f"{_LIBRARY} has only SiLU, not {stage.act}.")


_NOTE = """
Note: the weights were trained with TensorFlow's padding, which torchvision lacks. The logits equal those of the
original network only for images of {stride}n + 1 pixels a side, with a whole number n.
"""

_SQUEEZED = '''
def squeezed(ratio):
    """Return an MBConv whose squeeze-excitation has this share of the input channels; 0: none."""

    def block(config, drop, norm_layer):
        narrow = max(1, int(config.input_channels * ratio))

        def layer(wide, _, activation):
            return SqueezeExcitation(wide, narrow, activation=activation) if ratio else nn.Identity()

        return MBConv(config, drop, norm_layer, layer)

    return block


'''

_TEXT = '''"""{name}, as torchvision builds it. Needs torchvision (tested with 0.29) and safetensors.

{network}

    network = load("model.safetensors")
{note}"""

from functools import partial

from torch import nn
from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConv, MBConvConfig
from torchvision.ops import SqueezeExcitation

{squeezed}
# Expansion, kernel, stride, channels in and out, blocks.
INVERTED_RESIDUAL_SETTING = [
{setting}]


def network(dropout=0.0, stochastic_depth_prob=0.0):
    """Return the network with fresh weights."""
    model = EfficientNet(
        INVERTED_RESIDUAL_SETTING,
        dropout,
        stochastic_depth_prob,
        num_classes={classes},
        norm_layer=partial(nn.BatchNorm2d, eps={eps!r}, momentum={momentum!r}),
        last_channel={last},
    )
    model.features[0][0] = nn.Conv2d({stem}, bias=False)
    return model
'''
