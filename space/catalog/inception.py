"""GoogLeNet, InceptionV3, InceptionV4 and Inception-ResNet-v2, without auxiliary classifiers."""

from __future__ import annotations

from collections.abc import Iterable

from space.architecture import Architecture, Head, Stage, Stem
from space.catalog.row import Published

_Modules = Iterable[tuple[str, int, int, int]]
"""The (branches, width, stride of the first module, number of modules) of each stage."""


def _network(resolution: int, stem: Stem, modules: _Modules, head: int = 0) -> Architecture:
    stages = tuple(
        Stage("inception", depth, 1, stride, 1, width, act="relu", branches=branches)
        for branches, width, stride, depth in modules
    )
    return Architecture(resolution, stem, stages, Head(head, "relu"), 1000)


_GOOGLENET = _network(
    224,
    Stem(192, 7, 2, "relu", "googlenet"),
    (
        ("64+96>3:128+16>3:32+max>32", 256, 1, 1),
        ("128+128>3:192+32>3:96+max>64", 480, 1, 1),
        ("max;192+96>3:208+16>3:48+max>64", 512, 2, 1),
        ("160+112>3:224+24>3:64+max>64", 512, 1, 1),
        ("128+128>3:256+24>3:64+max>64", 512, 1, 1),
        ("112+144>3:288+32>3:64+max>64", 528, 1, 1),
        ("256+160>3:320+32>3:128+max>128", 832, 1, 1),
        ("max2;256+160>3:320+32>3:128+max>128", 832, 2, 1),
        ("384+192>3:384+48>3:128+max>128", 1024, 1, 1),
    ),
)


def _tall(width: int) -> str:
    """Return InceptionV3's module of factorised 7 x 7 convolutions with `width` channels inside its branches."""
    twice = f"{width}>7x1:{width}>1x7:{width}>7x1:{width}>1x7:192"
    return f"192+{width}>1x7:{width}>7x1:192+{twice}+avg>192"


_WIDE = "320+384>(1x3:384|3x1:384)+448>3:384>(1x3:384|3x1:384)+avg>192"
_V3 = _network(
    299,
    Stem(192, 3, 2, "relu", "inception"),
    (
        ("64+48>5:64+64>3:96>3:96+avg>32", 256, 1, 1),
        ("64+48>5:64+64>3:96>3:96+avg>64", 288, 1, 2),
        ("3v:384+64>3:96>3v:96+maxv", 768, 2, 1),
        (_tall(128), 768, 1, 1),
        (_tall(160), 768, 1, 2),
        (_tall(192), 768, 1, 1),
        ("192>3v:320+192>1x7:192>7x1:192>3v:192+maxv", 1280, 2, 1),
        (_WIDE, 2048, 1, 2),
    ),
)
_V4 = _network(
    299,
    Stem(64, 3, 2, "relu", "inceptionv4"),
    (
        ("maxv+3v:96", 160, 2, 1),
        ("64>3v:96+64>1x7:64>7x1:64>3v:96", 192, 1, 1),
        ("3v:192+maxv", 384, 2, 1),
        ("96+64>3:96+64>3:96>3:96+avgi>96", 384, 1, 4),
        ("3v:384+192>3:224>3v:256+maxv", 1024, 2, 1),
        (
            "384+192>1x7:224>7x1:256+192>7x1:192>1x7:224>7x1:224>1x7:256+avgi>128",
            1024,
            1,
            7,
        ),
        ("192>3v:192+256>1x7:256>7x1:320>3v:320+maxv", 1536, 2, 1),
        ("256+384>(1x3:256|3x1:256)+384>3x1:448>1x3:512>(1x3:256|3x1:256)+avgi>256", 1536, 1, 3),
    ),
)
_RESNET_V2 = _network(
    299,
    Stem(192, 3, 2, "relu", "inception"),
    (
        ("96+48>5:64+64>3:96>3:96+avgi>64", 320, 1, 1),
        ("32+32>3:32+32>3:48>3:64=320*0.17", 320, 1, 10),
        ("3v:384+256>3:256>3v:384+maxv", 1088, 2, 1),
        ("192+128>1x7:160>7x1:192=1088*0.1", 1088, 1, 20),
        ("256>3v:384+256>3v:288+256>3:288>3v:320+maxv", 2080, 2, 1),
        ("192+192>1x3:224>3x1:256=2080*0.2", 2080, 1, 9),
        ("192+192>1x3:224>3x1:256=2080*1~", 2080, 1, 1),
    ),
    head=1536,
)


def _row(name: str, network: Architecture, dropout: float, source: str, note: str = "") -> Published:
    return Published(name, network, 0, 0, network.resolution, dropout, source, "inception", note)


INCEPTIONS = (
    _row(
        "googlenet",
        _GOOGLENET,
        0.2,
        "arXiv:1409.4842; torchvision.models.googlenet",
        "the code has 3 x 3 where the paper has 5 x 5, and 13.0M parameters with its auxiliary classifiers",
    ),
    _row(
        "inception-v3",
        _V3,
        0.5,
        "arXiv:1512.00567; torchvision and timm inception_v3",
        "27.2M parameters with its auxiliary classifier",
    ),
    _row(
        "inception-v4",
        _V4,
        0.2,
        "arXiv:1602.07261; timm.models.inception_v4",
        "EfficientNet's paper lists 48M parameters and 13B FLOPs; the code builds 42.7M and 12.3B",
    ),
    _row("inception-resnet-v2", _RESNET_V2, 0.2, "arXiv:1602.07261; timm.models.inception_resnet_v2"),
)
