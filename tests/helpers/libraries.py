"""The networks of other libraries by our names, without weights."""

import efficientnet_pytorch
import timm
import torch
import torchvision
from torchvision.models import efficientnet

V1 = tuple(f"b{n}" for n in range(8))
V2 = ("v2-s", "v2-m", "v2-l")
V2_BASE = ("v2-b0", "v2-b1", "v2-b2", "v2-b3")

NAMES = {
    "torchvision": (*V1, *V2),
    "timm": (*V1, *V2),
    "timm tf": (*V1, *V2_BASE, *V2),
    "efficientnet_pytorch": V1,
}
"""Library and style -> our names of the networks that it has."""


OTHERS = {
    "torchvision": {
        "mobilenet-v2-1.0": "mobilenet_v2",
        "mobilenet-v3-large": "mobilenet_v3_large",
        "mobilenet-v3-small": "mobilenet_v3_small",
        "mnasnet-b1-0.5": "mnasnet0_5",
        "mnasnet-b1-0.75": "mnasnet0_75",
        "mnasnet-b1-1.0": "mnasnet1_0",
        "mnasnet-b1-1.3": "mnasnet1_3",
        "shufflenet-v2-0.5": "shufflenet_v2_x0_5",
        "shufflenet-v2-1.0": "shufflenet_v2_x1_0",
        "shufflenet-v2-1.5": "shufflenet_v2_x1_5",
        "shufflenet-v2-2.0": "shufflenet_v2_x2_0",
        "googlenet": "googlenet",
        "inception-v3": "inception_v3",
        "resnet-18": "resnet18",
        "resnet-34": "resnet34",
    },
    "timm": {
        "mobilenet-v1": "mobilenetv1_100",
        "mobilenet-v2-0.35": "mobilenetv2_035",
        "mobilenet-v2-1.0": "mobilenetv2_100",
        "mobilenet-v3-large": "mobilenetv3_large_100",
        "mobilenet-v3-small": "mobilenetv3_small_100",
        "mobilenet-v3-small-0.75": "mobilenetv3_small_075",
        "mobilenet-v4-conv-small": "mobilenetv4_conv_small",
        "mobilenet-v4-conv-medium": "mobilenetv4_conv_medium",
        "mobilenet-v4-conv-large": "mobilenetv4_conv_large",
        "mnasnet-b1-1.0": "mnasnet_100",
        "mnasnet-a1": "semnasnet_100",
        "mnasnet-small": "mnasnet_small",
        "lite0": "efficientnet_lite0",
        "edgetpu-m": "efficientnet_em",
        "tinynet-e": "tinynet_e",
        "inception-v3": "inception_v3",
        "inception-v4": "inception_v4",
        "inception-resnet-v2": "inception_resnet_v2",
        "xception": "legacy_xception",
    },
}
"""Library -> our name of a network of another family -> its."""


def other(library, name, **options):
    """Return the network of `library` with our `name`, a key of OTHERS. options: as that library calls them."""
    if library == "timm":
        return timm.create_model(OTHERS[library][name], **options)
    if name in ("googlenet", "inception-v3"):
        options = {"init_weights": False} | options  # As it would draw them, it takes half a minute.
    return getattr(torchvision.models, OTHERS[library][name])(weights=None, **options)


def timm_name(style, name):
    family = f"efficientnetv2_{name[3:]}" if name.startswith("v2-") else f"efficientnet_{name}"
    return f"tf_{family}" if style == "tf" else family


def theirs(library, name, **options):
    """Return the network of `library`, a key of NAMES. options: as that library calls them."""
    library, _, style = library.partition(" ")
    if library == "torchvision":
        return getattr(efficientnet, f"efficientnet_{name.replace('-', '_')}")(weights=None, **options)
    if library == "timm":
        return timm.create_model(timm_name(style, name), **options)
    network = efficientnet_pytorch.EfficientNet.from_name(f"efficientnet-{name}", **options)
    # By default it multiplies x by sigmoid(x) in two steps, for memory's sake, which rounds differently.
    network.set_swish(memory_efficient=False)
    return network


def empty(library, name, **options):
    """Return its state dict without memory."""
    with torch.device("meta"):
        return theirs(library, name, **options).state_dict()
