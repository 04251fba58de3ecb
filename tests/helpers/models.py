"""Models with weights as after a training, which are not trivial."""

import torch

from search.models.model import Model, numbered
from space import Architecture, build
from space.weights import Conventions, Weights, for_channels


def model(architecture: Architecture, **rest) -> Model:
    """Return a model of `architecture`. rest: fields of `Conventions` and of `Model`."""
    fields = {key: rest.pop(key) for key in tuple(rest) if key in Conventions.__dataclass_fields__}
    conventions = for_channels(Conventions(**fields), architecture.channels)
    torch.manual_seed(11)
    tensors = shaken(build(architecture)).state_dict()
    classes = rest.pop("classes", numbered(architecture.classes))
    return Model(Weights(architecture, tensors, conventions), classes, **rest)


def shaken(network):
    """Return `network` in eval mode with normalisation that is not trivial."""
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
