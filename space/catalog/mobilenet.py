"""MobileNetV1, V2, V3 and V4, MnasNet and MobileNeXt."""

from __future__ import annotations

from dataclasses import replace

from space.architecture import Architecture, decode
from space.catalog.row import Published
from space.conv import divisible
from space.rescale import Multipliers, rescale


def _scaled(base: Architecture, width: float, head: int) -> Architecture:
    """Return `base` with all widths multiplied by `width`, and with `head` channels in the head."""
    return replace(rescale(base, Multipliers(width=width)), head=replace(base.head, width=head))


_V1 = decode(
    "r224_i32_relu6/dw_d1_k3_s1_w64_relu6/dw_d2_k3_s2_w128_relu6/dw_d2_k3_s2_w256_relu6"
    "/dw_d6_k3_s2_w512_relu6/dw_d2_k3_s2_w1024_relu6/h0_c1000"
)
_V2 = decode(
    "r224_i32_relu6/mb_d1_k3_s1_e1_w16_relu6/mb_d2_k3_s2_e6_w24_relu6/mb_d3_k3_s2_e6_w32_relu6"
    "/mb_d4_k3_s2_e6_w64_relu6/mb_d3_k3_s1_e6_w96_relu6/mb_d3_k3_s2_e6_w160_relu6/mb_d1_k3_s1_e6_w320_relu6"
    "/h1280_c1000_relu6"
)
_V3_LARGE = decode(
    "r224_i16_hardswish/mbv3_d1_k3_s1_e1_w16_relu/mbv3_d1_k3_s2_e4_w24_relu/mbv3_d1_k3_s1_e3_w24_relu"
    "/mbv3_d3_k5_s2_e3_w40_se0.25_relu/mbv3_d1_k3_s2_e6_w80_hardswish/mbv3_d1_k3_s1_e2.5_w80_hardswish"
    "/mbv3_d2_k3_s1_e2.3_w80_hardswish/mbv3_d2_k3_s1_e6_w112_se0.25_hardswish"
    "/mbv3_d3_k5_s2_e6_w160_se0.25_hardswish/h960_f1280_c1000_hardswish"
)
_V3_SMALL = decode(
    "r224_i16_hardswish/mbv3_d1_k3_s2_e1_w16_se0.25_relu/mbv3_d1_k3_s2_e4.5_w24_relu"
    "/mbv3_d1_k3_s1_e3.67_w24_relu/mbv3_d1_k5_s2_e4_w40_se0.25_hardswish"
    "/mbv3_d2_k5_s1_e6_w40_se0.25_hardswish/mbv3_d2_k5_s1_e3_w48_se0.25_hardswish"
    "/mbv3_d3_k5_s2_e6_w96_se0.25_hardswish/h576_f1024_c1000_hardswish"
)
_MNASNET_B1 = decode(
    "r224_i32_relu/mb_d1_k3_s1_e1_w16_relu/mb_d3_k3_s2_e3_w24_relu/mb_d3_k5_s2_e3_w40_relu"
    "/mb_d3_k5_s2_e6_w80_relu/mb_d2_k3_s1_e6_w96_relu/mb_d4_k5_s2_e6_w192_relu/mb_d1_k3_s1_e6_w320_relu"
    "/h1280_c1000_relu"
)
_MNASNET_A1 = decode(
    "r224_i32_relu/mb_d1_k3_s1_e1_w16_relu/mb_d2_k3_s2_e6_w24_relu/mb_d3_k5_s2_e3_w40_se0.25_relu"
    "/mb_d4_k3_s2_e6_w80_relu/mb_d2_k3_s1_e6_w112_se0.25_relu/mb_d3_k5_s2_e6_w160_se0.25_relu"
    "/mb_d1_k3_s1_e6_w320_relu/h1280_c1000_relu"
)
_MNASNET_SMALL = decode(
    "r224_i8_relu/mb_d1_k3_s1_e1_w8_relu/mb_d1_k3_s2_e3_w16_relu/mb_d2_k3_s2_e6_w16_relu"
    "/mb_d4_k5_s2_e6_w32_se0.25_relu/mb_d3_k3_s1_e6_w32_se0.25_relu/mb_d3_k5_s2_e6_w88_se0.25_relu"
    "/mb_d1_k3_s1_e6_w144_relu/h1280_c1000_relu"
)
_MOBILENEXT = decode(
    "r224_i32_relu6/sandglasskeep_d1_k3_s2_e2_w96_relu6/sandglasskeep_d1_k3_s1_e6_w144_relu6"
    "/sandglass_d3_k3_s2_e6_w192_relu6/sandglass_d3_k3_s2_e6_w288_relu6/sandglass_d4_k3_s1_e6_w384_relu6"
    "/sandglass_d4_k3_s2_e6_w576_relu6/sandglass_d3_k3_s1_e6_w960_relu6"
    "/sandglasskeep_d1_k3_s1_e6_w1280_relu6/h0_c1000"
)
_V4_SMALL = decode(
    "r224_i32_relu/fused_d1_k3_s2_e1_w32_relu/fused_d1_k1_s1_e1_w32_relu_noskip/fused_d1_k3_s2_e1_w96_relu"
    "/fused_d1_k1_s1_e1_w64_relu/uib_d1_k5_s2_e3_w96_a5_relu/uib_d4_k3_s1_e2_w96_relu/uib_d1_k0_s1_e4_w96_a3_relu"
    "/uib_d1_k3_s2_e6_w128_a3_relu/uib_d1_k5_s1_e4_w128_a5_relu/uib_d1_k5_s1_e4_w128_relu/uib_d1_k5_s1_e3_w128_relu"
    "/uib_d2_k3_s1_e4_w128_relu/h960_f1280_c1000_relu_norm"
)
_V4_MEDIUM = decode(
    "r256_i32_relu/fused_d1_k3_s2_e4_w48_relu/uib_d1_k5_s2_e4_w80_a3_relu/uib_d1_k3_s1_e2_w80_a3_relu"
    "/uib_d1_k5_s2_e6_w160_a3_relu/uib_d2_k3_s1_e4_w160_a3_relu/uib_d1_k5_s1_e4_w160_a3_relu"
    "/uib_d1_k3_s1_e4_w160_a3_relu/uib_d1_k0_s1_e4_w160_a3_relu/uib_d1_k0_s1_e2_w160_relu"
    "/uib_d1_k0_s1_e4_w160_a3_relu/uib_d1_k5_s2_e6_w256_a5_relu/uib_d1_k5_s1_e4_w256_a5_relu"
    "/uib_d2_k5_s1_e4_w256_a3_relu/uib_d1_k0_s1_e4_w256_relu/uib_d1_k0_s1_e4_w256_a3_relu"
    "/uib_d1_k5_s1_e2_w256_a3_relu/uib_d1_k5_s1_e4_w256_a5_relu/uib_d2_k0_s1_e4_w256_relu"
    "/uib_d1_k0_s1_e2_w256_a5_relu/h960_f1280_c1000_relu_norm"
)
_V4_LARGE = decode(
    "r384_i24_relu/fused_d1_k3_s2_e4_w48_relu/uib_d1_k5_s2_e4_w96_a3_relu/uib_d1_k3_s1_e4_w96_a3_relu"
    "/uib_d1_k5_s2_e4_w192_a3_relu/uib_d3_k3_s1_e4_w192_a3_relu/uib_d1_k5_s1_e4_w192_a3_relu"
    "/uib_d5_k3_s1_e4_w192_a5_relu/uib_d1_k0_s1_e4_w192_a3_relu/uib_d4_k5_s2_e4_w512_a5_relu"
    "/uib_d1_k0_s1_e4_w512_a5_relu/uib_d1_k3_s1_e4_w512_a5_relu/uib_d2_k0_s1_e4_w512_a5_relu"
    "/uib_d1_k3_s1_e4_w512_a5_relu/uib_d1_k5_s1_e4_w512_a5_relu/uib_d3_k0_s1_e4_w512_a5_relu"
    "/h960_f1280_c1000_relu_norm"
)
_MINIMAL = replace(
    _V3_LARGE,
    stem=replace(_V3_LARGE.stem, act="relu"),
    stages=tuple(replace(stage, kernel=3, se=0, act="relu") for stage in _V3_LARGE.stages),
    head=replace(_V3_LARGE.head, act="relu"),
)

_MNASNET = "arXiv:1807.11626; tensorflow/tpu models/official/mnasnet/mnasnet_models.py"
_MOBILENET_V3 = "arXiv:1905.02244; tensorflow/models slim/nets/mobilenet/mobilenet_v3.py"

_MOBILENET_V4 = "arXiv:2404.10518; timm.models.mobilenetv3, mobilenetv4_conv_small, _medium and _large"


def _row(
    name: str,
    network: Architecture,
    source: str,
    *,
    width: float = 1,
    family: str = "mobilenet",
    dropout: float = 0.2,
    note: str = "",
) -> Published:
    return Published(name, network, 1, width, network.resolution, dropout, source, family, note)


def _v2(width: float, note: str = "") -> Published:
    network = _scaled(_V2, width, divisible(1280 * max(1, width)))
    source = "arXiv:1801.04381; tensorflow/models slim/nets/mobilenet/mobilenet_v2.py"
    return _row(f"mobilenet-v2-{width}", network, source, width=width, note=note)


def _v3(name: str, base: Architecture, width: float) -> Published:
    network = _scaled(base, width, divisible(base.head.width * width))
    return _row(f"{name}-{width}" if width < 1 else name, network, _MOBILENET_V3, width=width)


def _mnasnet(width: float) -> Published:
    network = _scaled(_MNASNET_B1, width, 1280)
    return _row(f"mnasnet-b1-{width}", network, _MNASNET, width=width, family="mnasnet")


def _mobilenext(width: float, note: str = "") -> Published:
    """Return MobileNeXt at a width multiplier. Its last stage has at least 1280 channels."""
    scaled = rescale(_MOBILENEXT, Multipliers(width=width))
    last = replace(scaled.stages[-1], width=divisible(1280 * max(1, width)))
    network = replace(scaled, stages=(*scaled.stages[:-1], last))
    source = "arXiv:2007.02269; zhoudaquan/rethinking_bottleneck_design mnext.py"
    return _row(f"mobilenext-{width}", network, source, width=width, family="mobilenext", note=note)


MOBILENETS = (
    _row(
        "mobilenet-v1",
        _V1,
        "arXiv:1704.04861; tensorflow/models slim/nets/mobilenet_v1.py",
        dropout=0.001,
    ),
    _v2(0.35),
    _v2(0.5),
    _v2(0.75),
    _v2(1.0, "published as 3.4M parameters; the code builds 3.50M"),
    _v2(1.4, "published as 6.9M parameters; the code, with a head of 1792, builds 6.11M"),
    _v3("mobilenet-v3-large", _V3_LARGE, 1),
    _v3("mobilenet-v3-large", _V3_LARGE, 0.75),
    _v3("mobilenet-v3-small", _V3_SMALL, 1),
    _v3("mobilenet-v3-small", _V3_SMALL, 0.75),
    _row("mobilenet-v3-large-minimal", _MINIMAL, _MOBILENET_V3),
    _row("mobilenet-v4-conv-small", _V4_SMALL, _MOBILENET_V4, note="published as 0.2G MACs, rounded"),
    _row(
        "mobilenet-v4-conv-medium",
        _V4_MEDIUM,
        _MOBILENET_V4,
        note="published as 9.2M parameters and 1.0G MACs; the code builds 9.72M and 1.08G",
    ),
    _row(
        "mobilenet-v4-conv-large",
        _V4_LARGE,
        _MOBILENET_V4,
        note="published as 31M parameters and 5.9G MACs; the code builds 32.6M and 6.38G",
    ),
    _mnasnet(0.5),
    _mnasnet(0.75),
    _mnasnet(1.0),
    _mnasnet(1.3),
    _mnasnet(1.4),
    _row("mnasnet-a1", _MNASNET_A1, _MNASNET, family="mnasnet"),
    _row("mnasnet-small", _MNASNET_SMALL, _MNASNET, family="mnasnet"),
    _mobilenext(0.35, "published as 1.8M parameters; the code builds 1.91M"),
    _mobilenext(0.5),
    _mobilenext(0.75, "published as 2.5M parameters; the code builds 2.77M"),
    _mobilenext(1.0),
    _mobilenext(1.4),
)
