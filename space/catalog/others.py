"""Xception, BlazeFace and ResNet."""

from __future__ import annotations

from space.architecture import decode
from space.catalog.row import Published

_XCEPTION = decode(
    "r299_i64_xception_relu/xception_d1_k3_s2_e2_w128_relu/xception_d1_k3_s2_e2_w256_relu"
    "/xception_d1_k3_s2_e2.84375_w728_relu/xception_d8_k3_s1_e1_w728_relu/xception_d1_k3_s2_e1_w1024_relu"
    "/xceptionend_d1_k3_s1_w1536_relu/xceptionend_d1_k3_s1_w2048_relu/h0_c1000"
)
_FRONT = decode(
    "r128_i24_k5_folded_relu/blaze_d1_k3_s1_w24_relu/blaze_d1_k3_s1_w28_relu/blaze_d1_k3_s2_w32_relu"
    "/blaze_d1_k3_s1_w36_relu/blaze_d1_k3_s1_w42_relu/blaze_d1_k3_s2_w48_relu/blaze_d1_k3_s1_w56_relu"
    "/blaze_d1_k3_s1_w64_relu/blaze_d1_k3_s1_w72_relu/blaze_d1_k3_s1_w80_relu/blaze_d1_k3_s1_w88_relu"
    "/blaze_d5_k3_s2_w96_relu/h0_c2"
)
_BACK = decode(
    "r256_i24_k5_folded_relu/blaze_d7_k3_s1_w24_relu/blaze_d8_k3_s2_w24_relu/blaze_d8_k3_s2_w48_relu"
    "/blaze_d8_k3_s2_w96_relu/blaze_d1_k3_s2_w96_relu_noskip/h0_c2"
)
_BLAZEFACE = "arXiv:1907.05047; MediaPipe, as in hollance/BlazeFace-PyTorch blazeface.py"


def _blazeface(name: str, text_network: str, heads: str) -> Published:
    note = f"classifies faces, without double blocks; the published detector has SSD heads instead, {heads}"
    network = decode(text_network)
    return Published(name, network, 0, 0, network.resolution, 0, _BLAZEFACE, "blazeface", note)


def _resnet(name: str, depths: tuple[int, ...]) -> Published:
    stages = "/".join(
        f"basic_d{depth}_k3_s{1 if number == 0 else 2}_w{64 * 2**number}_relu"
        for number, depth in enumerate(depths)
    )
    network = decode(f"r224_i64_k7_pool_relu/{stages}/h0_c1000")
    source = "arXiv:1512.03385; torchvision.models.resnet"
    return Published(name, network, 0, 0, 224, 0, source, "resnet")


OTHERS = (
    Published(
        "xception",
        _XCEPTION,
        0,
        0,
        299,
        0.5,
        "arXiv:1610.02357; timm.models.xception (legacy_xception)",
        "xception",
    ),
    _blazeface("blazeface-front", str(_FRONT), "of 12,920 parameters"),
    _blazeface("blazeface-back", str(_BACK), "of 13,192 parameters"),
    _resnet("resnet-18", (2, 2, 2, 2)),
    _resnet("resnet-34", (3, 4, 6, 3)),
)
