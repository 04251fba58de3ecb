"""Trained weights of other libraries for our networks, and ours for them.

    >>> from space.weights import adapt, load_weights, rebuild
    >>> weights = load_weights("efficientnet_b0_rwightman-7f5810bc.pth")    # torchvision's; b0 is recognised
    >>> network = rebuild(adapt(weights, classes=10))

The names of torchvision, timm and EfficientNet-PyTorch are written out, a file for each. What no state dict
says, padding, batch normalisation's constants and the normalisation of images, travels with the weights.
With them our logits are the other library's, bit for bit (ShuffleNetV2's but for rounding).
"""

from space.weights.conventions import NORMALISATIONS, Conventions, for_channels, normalised
from space.weights.files import load_weights, weights_file
from space.weights.formats import WEIGHT_FORMATS, weight_format
from space.weights.names import format_of, from_ours, to_ours
from space.weights.weight_format import WeightFormat
from space.weights.weights import Weights, adapt, rebuild

__all__ = [
    "NORMALISATIONS",
    "WEIGHT_FORMATS",
    "Conventions",
    "WeightFormat",
    "Weights",
    "adapt",
    "for_channels",
    "format_of",
    "from_ours",
    "load_weights",
    "normalised",
    "rebuild",
    "to_ours",
    "weight_format",
    "weights_file",
]
