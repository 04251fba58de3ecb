"""Published networks are the same functions as torchvision's and timm's, not only of the same costs."""

from dataclasses import replace
from math import prod

import pytest
import torch
from helpers.hooks import convolutions
from helpers.libraries import OTHERS, other
from torch import nn

from space import cost, published
from space.weights import NORMALISATIONS, WEIGHT_FORMATS, Weights, rebuild, to_ours

# torchvision's shuffled channels lie otherwise in memory than ours, and so are summed in another order.
NEAR = ("shufflenet-v2-0.5", "shufflenet-v2-1.0", "shufflenet-v2-1.5", "shufflenet-v2-2.0")
QUICK = {
    "torchvision": (
        "mobilenet-v2-1.0",
        "mobilenet-v3-large",
        "mobilenet-v3-small",
        "mnasnet-b1-1.3",
        "shufflenet-v2-0.5",
        "googlenet",
        "resnet-18",
    ),
    "timm": (
        "mobilenet-v1",
        "mobilenet-v2-0.35",
        "mobilenet-v3-small-0.75",
        "mobilenet-v4-conv-small",
        "mobilenet-v4-conv-medium",
        "mnasnet-a1",
        "mnasnet-small",
        "lite0",
        "edgetpu-m",
        "tinynet-e",
        "inception-v3",
    ),
}
EACH = [
    (library, name) if name in QUICK[library] else pytest.param(library, name, marks=pytest.mark.slow)
    for library, names in OTHERS.items()
    for name in names
]


def shaken(network):
    """In eval mode, with normalisation not 0 and 1, with which several mistakes would not show.

    It is not far from that, or nothing would be left at the end of the deep ones.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.05)
            module.running_var.uniform_(0.8, 1.2)
            nn.init.uniform_(module.weight, 0.9, 1.1)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    return network.eval()


def ours(library, name, network):
    """Our network with the tensors of theirs, by that library's conventions, and those."""
    architecture, known = published(name).architecture, WEIGHT_FORMATS[library]
    told = known.styles[next(iter(known.styles))](architecture)
    tensors = to_ours(network.state_dict(), architecture, library)
    return rebuild(Weights(architecture, tensors, told)).eval(), told


@pytest.mark.parametrize(("library", "name"), EACH)
def test_logits_are_theirs(library, name):
    torch.manual_seed(0)
    theirs = shaken(other(library, name))
    mine, told = ours(library, name, theirs)
    norms = [module for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(told.norm_eps, told.norm_momentum)}
    resolution = published(name).architecture.resolution
    side = min(resolution, 160) if resolution < 299 else 139
    x = torch.randn(1, 3, side, side)
    with torch.no_grad():
        expected, found = theirs(x), mine(x)
    assert expected.std() > 0
    if name in NEAR:
        assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    else:
        assert torch.equal(found, expected)


def differing(library, name, sizes):
    """The sides of images, in pixels, at which our logits or multiply-adds differ from theirs."""
    torch.manual_seed(0)
    theirs = shaken(other(library, name))
    mine, _ = ours(library, name, theirs)
    return [size for size in sizes if not agree(theirs, mine, size, near=name in NEAR)]


def agree(theirs, mine, size, near=False):
    x = torch.randn(1, 3, size, size)
    with torch.no_grad():
        seen, logits = convolutions(theirs, x), mine(x)
        expected = theirs(x)
    macs = sum(prod(one.output[2:]) * prod(one.weight) for one in seen)
    if macs != cost(replace(mine.architecture, resolution=size)).macs:
        return False
    tolerance = 1e-5 * expected.abs().max() if near else 0
    return bool((logits - expected).abs().max() <= tolerance)


# Every remainder by 32, the stride of the networks, and three sizes with odd maps before GoogLeNet's pooling.
@pytest.mark.parametrize(
    "sizes", [(*range(64, 96), 107, 139, 225), pytest.param(range(64, 257), marks=pytest.mark.slow)]
)
def test_googlenet_is_torchvisions_at_every_size(sizes):
    assert differing("torchvision", "googlenet", sizes) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "name"), [(library, name) for library in OTHERS for name in OTHERS[library]]
)
def test_every_network_is_theirs_at_32_sizes(library, name):
    first = 139 if published(name).architecture.resolution == 299 else 64
    assert differing(library, name, range(first, first + 32)) == []


@pytest.mark.parametrize("name", ["googlenet", pytest.param("inception-v3", marks=pytest.mark.slow)])
def test_images_are_normalised_as_torchvisions_weights_have_it(name):
    """With weights these networks normalise once more what was normalised by ImageNet's mean and std."""
    torch.manual_seed(0)
    theirs = shaken(other("torchvision", name, transform_input=True))
    mine, told = ours("torchvision", name, theirs)
    image = torch.rand(1, 3, 96, 96)
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in NORMALISATIONS["imagenet"])
    own_mean, own_std = (torch.tensor(numbers)[:, None, None] for numbers in (told.mean, told.std))
    with torch.no_grad():
        expected = theirs((image - mean) / std)
        torch.testing.assert_close(mine((image - own_mean) / own_std), expected, rtol=1e-4, atol=1e-4)
