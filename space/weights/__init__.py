"""The conversion of trained weights between our networks and those of other libraries.

    >>> from space.weights import adapt, load_weights, rebuild
    >>> weights = load_weights("efficientnet_b0_rwightman-7f5810bc.pth")    # torchvision's; b0 is recognised
    >>> network = rebuild(adapt(weights, classes=10))

torchvision, timm and EfficientNet-PyTorch each have a file here with their module names. A state dict does not state
padding, the constants of batch normalisation and the normalisation of images, so these are stored with the weights.
Then our logits equal the other library's bit for bit. The exceptions, by rounding, are ShuffleNetV2, and MobileNetV3
at batch sizes above 1, where the library's linear layer and our 1x1 convolution sum in different orders.
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
