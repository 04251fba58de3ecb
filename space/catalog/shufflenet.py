"""ShuffleNetV1 and V2."""

from __future__ import annotations

from space.architecture import decode
from space.catalog.row import Published


def _v1(size: str, stem: int, groups: int, width: int) -> Published:
    """Return ShuffleNetV1. Each stage is twice as wide as the one before, and the classifier has no bias.

    size: the width multiplier in its name, such as "1.5". stem, width: the widths of the stem and the first stage.
    """
    stages = "/".join(
        f"shuffle_d{depth}_k3_s2_w{width * factor}_g{groups}_relu"
        for depth, factor in ((4, 1), (8, 2), (4, 4))
    )
    network = decode(f"r224_i{stem}_pool_relu/{stages}/h0_c1000_nobias")
    source = "arXiv:1707.01083; megvii-model/ShuffleNet-Series ShuffleNetV1/network.py"
    name = f"shufflenet-v1-{size}-g{groups}"
    return Published(name, network, 1, float(size), 224, 0, source, "shufflenet")


def _v2(size: str, width: int, head: int) -> Published:
    stages = "/".join(
        f"shufflev2_d{depth}_k3_s2_w{width * factor}_relu" for depth, factor in ((4, 1), (8, 2), (4, 4))
    )
    network = decode(f"r224_i24_pool_relu/{stages}/h{head}_c1000_relu")
    source = "arXiv:1807.11164; torchvision.models.shufflenetv2"
    note = "the published FLOPs count pooling and element-wise operations too, and are slightly higher"
    return Published(f"shufflenet-v2-{size}", network, 1, float(size), 224, 0, source, "shufflenet", note)


SHUFFLENETS = (
    _v1("0.5", 12, 3, 120),
    _v1("1.0", 24, 3, 240),
    _v1("1.5", 24, 3, 360),
    _v1("2.0", 48, 3, 480),
    _v1("0.5", 16, 8, 192),
    _v1("1.0", 24, 8, 384),
    _v1("1.5", 24, 8, 576),
    _v1("2.0", 48, 8, 768),
    _v2("0.5", 48, 1024),
    _v2("1.0", 116, 1024),
    _v2("1.5", 176, 1024),
    _v2("2.0", 244, 2048),
)
