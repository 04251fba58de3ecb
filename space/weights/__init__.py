"""Trained weights of other libraries in our networks, and of our networks in other libraries.

    >>> from space.weights import adapt, load_weights, rebuild
    >>> weights = load_weights("efficientnet_b0_rwightman-7f5810bc.pth")    # torchvision's; b0 is recognised
    >>> network = rebuild(adapt(weights, classes=10))

There is a file with the module names of each of torchvision, timm and EfficientNet-PyTorch. State dicts lack padding,
the constants of batch normalisation and the normalisation of images; these are stored with the weights. With them our
logits equal the other library's bit for bit, but for rounding: ShuffleNetV2's, and MobileNetV3's at batch sizes above
1, where a linear layer of the library and our 1x1 convolution sum in different orders.
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
