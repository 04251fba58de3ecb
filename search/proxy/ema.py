"""The exponential moving average of weights, which is less noisy than the weights after the last step."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """The exponential moving average of the weights and normalisation statistics of a network, on its device.

    After t steps the decay is at most (1 + t) / (10 + t), as in TensorFlow's ExponentialMovingAverage, so that the
    initial weights soon have little influence.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.tensors: dict[str, Tensor] = {
            name: tensor.detach().clone() for name, tensor in network.state_dict().items()
        }
        """The averages, as a state dict of the network."""

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Update the average with the weights of `network` after `step` steps. Counters are copied."""
        own, new = self._parts(self.tensors), self._parts(network.state_dict())
        torch._foreach_lerp_(own[True], new[True], 1 - min(self._decay, (1 + step) / (10 + step)))
        for mine, theirs in zip(own[False], new[False], strict=True):
            mine.copy_(theirs)

    def shares(self, steps: int, device: torch.device) -> Tensor:
        """Return 1 - decay for each of the first `steps` steps, shape (steps,), for the argument of `approach`."""
        shares = [1 - min(self._decay, (1 + step) / (10 + step)) for step in range(1, steps + 1)]
        return torch.tensor(shares, device=device)

    @torch.no_grad()
    def approach(self, network: nn.Module, share: Tensor) -> None:
        """Move the average by `share` of its difference towards the weights of `network`. Counters stay.

        share: 1 - decay, shape (), on the device of the network. The call does not wait for the device.
        """
        own, new = self._parts(self.tensors)[True], self._parts(network.state_dict())[True]
        difference = torch._foreach_sub(new, own)
        torch._foreach_mul_(difference, share)
        torch._foreach_add_(own, difference)

    @staticmethod
    def _parts(tensors: dict[str, Tensor]) -> dict[bool, list[Tensor]]:
        """Return the floating-point tensors, which are averaged, under True, and the counters under False."""
        parts: dict[bool, list[Tensor]] = {True: [], False: []}
        for tensor in tensors.values():
            parts[tensor.is_floating_point()].append(tensor)
        return parts
