"""EfficientNet, EfficientNetV2 and their derivatives: Lite, EdgeTPU, TinyNet.

EfficientNet: coefficients and blocks of tensorflow/tpu models/official/efficientnet/efficientnet_builder.py
(strides follow the code, since the paper's Table 1 misprints two resolutions, tensorflow/tpu#383).
EfficientNetV2: google/automl efficientnetv2/effnetv2_configs.py.
"""

from __future__ import annotations

from dataclasses import replace

from space.architecture import Architecture, Head, decode
from space.catalog.row import Published
from space.rescale import AUTOML, EFFICIENTNET, Multipliers, Rounding, rescale

_B0 = decode(
    "r224_i32/mb_d1_k3_s1_e1_w16_se0.25/mb_d2_k3_s2_e6_w24_se0.25/mb_d2_k5_s2_e6_w40_se0.25"
    "/mb_d3_k3_s2_e6_w80_se0.25/mb_d3_k5_s1_e6_w112_se0.25/mb_d4_k5_s2_e6_w192_se0.25"
    "/mb_d1_k3_s1_e6_w320_se0.25/h1280_c1000"
)
_V2_B0 = decode(
    "r224_i32/fused_d1_k3_s1_e1_w16/fused_d2_k3_s2_e4_w32/fused_d2_k3_s2_e4_w48"
    "/mb_d3_k3_s2_e4_w96_se0.25/mb_d5_k3_s1_e6_w112_se0.25/mb_d8_k3_s2_e6_w192_se0.25/h1280_c1000"
)
_V2_S = decode(
    "r384_i24/fused_d2_k3_s1_e1_w24/fused_d4_k3_s2_e4_w48/fused_d4_k3_s2_e4_w64"
    "/mb_d6_k3_s2_e4_w128_se0.25/mb_d9_k3_s1_e6_w160_se0.25/mb_d15_k3_s2_e6_w256_se0.25/h1280_c1000"
)
_V2_M = decode(
    "r480_i24/fused_d3_k3_s1_e1_w24/fused_d5_k3_s2_e4_w48/fused_d5_k3_s2_e4_w80"
    "/mb_d7_k3_s2_e4_w160_se0.25/mb_d14_k3_s1_e6_w176_se0.25/mb_d18_k3_s2_e6_w304_se0.25"
    "/mb_d5_k3_s1_e6_w512_se0.25/h1280_c1000"
)
_V2_L = decode(
    "r480_i32/fused_d4_k3_s1_e1_w32/fused_d7_k3_s2_e4_w64/fused_d7_k3_s2_e4_w96"
    "/mb_d10_k3_s2_e4_w192_se0.25/mb_d19_k3_s1_e6_w224_se0.25/mb_d25_k3_s2_e6_w384_se0.25"
    "/mb_d7_k3_s1_e6_w640_se0.25/h1280_c1000"
)
_V2_XL = decode(
    "r512_i32/fused_d4_k3_s1_e1_w32/fused_d8_k3_s2_e4_w64/fused_d8_k3_s2_e4_w96"
    "/mb_d16_k3_s2_e4_w192_se0.25/mb_d24_k3_s1_e6_w256_se0.25/mb_d32_k3_s2_e6_w512_se0.25"
    "/mb_d8_k3_s1_e6_w640_se0.25/h1280_c1000"
)

_TPU = "tensorflow/tpu efficientnet_builder.py, efficientnet_params"
_V2_CODE = "google/automl effnetv2_configs.py, efficientnetv2_params"


def _v1(
    name: str,
    width: float,
    depth: float,
    resolution: int,
    dropout: float,
    rounding: Rounding = EFFICIENTNET,
    source: str = _TPU,
) -> Published:
    network = replace(rescale(_B0, Multipliers(depth, width), rounding), resolution=resolution)
    return Published(name, network, depth, width, resolution, dropout, source)


def _v2_base(
    name: str, width: float, depth: float, resolution: int, train_resolution: int, dropout: float
) -> Published:
    network = replace(rescale(_V2_B0, Multipliers(depth, width), AUTOML), resolution=resolution)
    return Published(name, network, depth, width, train_resolution, dropout, _V2_CODE)


def _v2(name: str, network: Architecture, train_resolution: int, dropout: float) -> Published:
    return Published(name, network, 0, 0, train_resolution, dropout, _V2_CODE)


_V2_S_ARXIV = replace(
    _V2_S, stages=(*_V2_S.stages[:-1], replace(_V2_S.stages[-1], width=272)), head=Head(1792)
)

EFFICIENTNETS = (
    _v1("b0", 1.0, 1.0, 224, 0.2),
    _v1("b1", 1.0, 1.1, 240, 0.2),
    _v1("b2", 1.1, 1.2, 260, 0.3),
    _v1("b3", 1.2, 1.4, 300, 0.3),
    _v1("b4", 1.4, 1.8, 380, 0.4),
    _v1("b5", 1.6, 2.2, 456, 0.4),
    _v1("b6", 1.8, 2.6, 528, 0.5),
    _v1("b7", 2.0, 3.1, 600, 0.5),
    _v1("b8", 2.2, 3.6, 672, 0.5),
    _v1("l2", 4.3, 5.3, 800, 0.5),
    _v1("l2-475", 4.3, 5.3, 475, 0.5),
    # Google's second code base rounds widths without the 0.9 limit, which changes B3 and nothing else.
    _v1("b3-automl", 1.2, 1.4, 300, 0.3, AUTOML, "google/automl effnetv2_configs.py"),
    _v2_base("v2-b0", 1.0, 1.0, 224, 192, 0.2),
    _v2_base("v2-b1", 1.0, 1.1, 240, 192, 0.2),
    _v2_base("v2-b2", 1.1, 1.2, 260, 208, 0.3),
    _v2_base("v2-b3", 1.2, 1.4, 300, 240, 0.3),
    _v2("v2-s", _V2_S, 300, 0.2),
    _v2("v2-m", _V2_M, 384, 0.3),
    _v2("v2-l", _V2_L, 384, 0.4),
    _v2("v2-xl", _V2_XL, 384, 0.4),
    # Superseded: google/automl#999 says to use the code, which has 256 channels and a head of 1280.
    Published("v2-s-arxiv", _V2_S_ARXIV, 0, 0, 300, 0.2, "arXiv 2104.00298v1, Table 4"),
)


def _lite(number: int, width: float, depth: float, resolution: int, dropout: float, stated: str) -> Published:
    """Return EfficientNet-Lite `number`: B0 without squeeze-excitation and with ReLU6, scaled.

    Stem, head, and the depths of the first and last stage are not scaled. stated: the multiply-adds as published.
    """
    plain = tuple(replace(stage, se=0, act="relu6") for stage in _B0.stages)
    base = replace(_B0, stem=replace(_B0.stem, act="relu6"), stages=plain, head=Head(1280, "relu6"))
    scaled = rescale(base, Multipliers(depth, width))
    stages = (replace(scaled.stages[0], depth=1), *scaled.stages[1:-1], replace(scaled.stages[-1], depth=1))
    scaled = replace(scaled, resolution=resolution, stem=base.stem, stages=stages, head=base.head)
    source = "tensorflow/tpu efficientnet/lite/efficientnet_lite_builder.py"
    note = f"published as {stated} multiply-adds, a number that counts more than convolutions and classifier"
    return Published(
        f"lite{number}", scaled, depth, width, resolution, dropout, source, "efficientnet-lite", note
    )


_EDGETPU = decode(
    "r224_i32_relu/fused_d1_k3_s1_e3_w24_relu/fused_d2_k3_s2_e8_w32_relu/fused_d4_k3_s2_e8_w48_relu"
    "/mb_d5_k5_s2_e8_w96_relu/mb_d4_k5_s1_e8_w144_relu/mb_d2_k5_s2_e8_w192_relu/h1280_c1000_relu"
)


def _edgetpu(size: str, width: float, depth: float, resolution: int, dropout: float) -> Published:
    """Return EfficientNet-EdgeTPU `size`.

    Its first stage has no shortcuts, and a hidden width of 4 times its output width.
    """
    scaled = rescale(_EDGETPU, Multipliers(depth, width))
    first = scaled.stages[0]
    opening = replace(first, depth=1, expand=first.width * 4 / scaled.stem.width)
    further = (replace(first, depth=first.depth - 1, expand=4, skip=False),) if first.depth > 1 else ()
    scaled = replace(scaled, resolution=resolution, stages=(opening, *further, *scaled.stages[1:]))
    source = "tensorflow/tpu efficientnet/edgetpu/efficientnet_edgetpu_builder.py"
    note = "the TensorFlow model has 1001 classes"
    return Published(
        f"edgetpu-{size}", scaled, depth, width, resolution, dropout, source, "efficientnet-edgetpu", note
    )


def _tinynet(letter: str, width: float, depth: float, resolution: int, stated: str) -> Published:
    """Return TinyNet `letter`: B0's stages scaled, with depths rounded to the nearest, and B0's own stem and head.

    stated: the FLOPs as published.
    """
    scaled = rescale(_B0, Multipliers(depth, width), Rounding(depth="round"))
    scaled = replace(scaled, resolution=resolution, stem=_B0.stem, head=_B0.head)
    source = "huawei-noah/Efficient-AI-Backbones tinynet_pytorch; timm"
    note = f"published as {stated} FLOPs"
    return Published(f"tinynet-{letter}", scaled, depth, width, resolution, 0.2, source, "tinynet", note)


_RW = decode(
    "r384_i24/fusedkeep_d2_k3_s1_e1_w24/fused_d4_k3_s2_e4_w48/fused_d4_k3_s2_e4_w64/mb_d6_k3_s2_e4_w128_se0.25"
    "/mb_d9_k3_s1_e6_w160_se0.25/mb_d15_k3_s2_e6_w272_se0.25/h1792_c1000"
)


def _rw(size: str, network: Architecture, resolution: int, train_resolution: int) -> Published:
    network = replace(network, resolution=resolution)
    note = "timm's guess from the paper's figures, before the code was released"
    source = "timm.models.efficientnet, efficientnetv2_rw"
    return Published(f"v2-rw-{size}", network, 0, 0, train_resolution, 0.2, source, "efficientnet-rw", note)


def _rw_medium() -> Architecture:
    """Return EfficientNetV2-RW-M, in which the last two stages are deepened more than the others."""
    early, late = (rescale(_RW, Multipliers(depth, 1.2)) for depth in (1.2, 1.6))
    return replace(early, stages=(*early.stages[:4], *late.stages[4:]))


DERIVED = (
    _lite(0, 1.0, 1.0, 224, 0.2, "407M"),
    _lite(1, 1.0, 1.1, 240, 0.2, "631M"),
    _lite(2, 1.1, 1.2, 260, 0.3, "899M"),
    _lite(3, 1.2, 1.4, 280, 0.3, "1.44B"),
    _lite(4, 1.4, 1.8, 300, 0.3, "2.64B"),
    _edgetpu("s", 1.0, 1.0, 224, 0.2),
    _edgetpu("m", 1.0, 1.1, 240, 0.2),
    _edgetpu("l", 1.2, 1.4, 300, 0.3),
    _tinynet("a", 1.0, 1.2, 192, "339M"),
    _tinynet("b", 0.75, 1.1, 188, "202M"),
    _tinynet("c", 0.54, 0.85, 184, "100M"),
    _tinynet("d", 0.54, 0.695, 152, "52M"),
    _tinynet("e", 0.51, 0.6, 106, "24M"),
    _rw("t", rescale(_V2_S, Multipliers(0.9, 0.8)), 288, 224),
    _rw("s", _RW, 384, 288),
    _rw("m", _rw_medium(), 416, 320),
)
