"""The networks of other libraries by our names, without weights."""

import efficientnet_pytorch
import timm
import torch
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


def timm_name(style, name):
    family = f"efficientnetv2_{name[3:]}" if name.startswith("v2-") else f"efficientnet_{name}"
    return f"tf_{family}" if style == "tf" else family


def theirs(library, name, **options):
    """The network of `library`, a key of NAMES. options: as that library calls them."""
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
    """Its state dict without memory."""
    with torch.device("meta"):
        return theirs(library, name, **options).state_dict()


def shaken(network):
    """`network` in eval mode with normalisation that is not trivial."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.3)
        elif isinstance(module, torch.nn.Conv2d) and module.bias is None:
            # torchvision's depthwise weights begin so small that nothing would be compared.
            torch.nn.init.normal_(module.weight, std=(2 / module.weight[0].numel()) ** 0.5)
    return network.eval()
