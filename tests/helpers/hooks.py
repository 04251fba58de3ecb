"""The convolutions that a network runs, observed by forward hooks."""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Seen:
    """One convolution (or the classifier) that ran: its dotted name, shapes of weight, input and output."""

    name: str
    module: nn.Conv2d | nn.Linear
    weight: tuple[int, ...]
    input: tuple[int, ...]
    output: tuple[int, ...]


def convolutions(network: nn.Module, x: Tensor) -> list[Seen]:
    """Return every convolution and linear layer in the order in which `network(x)` runs them."""
    seen: list[Seen] = []
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):

            def look(module, inputs, output, name=name):
                shapes = (module.weight.shape, inputs[0].shape, output.shape)
                seen.append(Seen(name, module, *(tuple(shape) for shape in shapes)))

            handles.append(module.register_forward_hook(look))
    network(x)
    for handle in handles:
        handle.remove()
    return seen
