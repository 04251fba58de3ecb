"""The running average of weights, which is less noisy than the last ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """The exponential moving average of a network's weights and statistics, on its device.

    After t steps the decay is at most (1 + t) / (10 + t), so that the first weights are soon forgotten
    (TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.tensors: dict[str, Tensor] = {
            name: tensor.detach().clone() for name, tensor in network.state_dict().items()
        }
        """A state dict of the network."""

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps."""
        own, new = self._parts(self.tensors), self._parts(network.state_dict())
        torch._foreach_lerp_(own[True], new[True], 1 - min(self._decay, (1 + step) / (10 + step)))
        for mine, theirs in zip(own[False], new[False], strict=True):
            mine.copy_(theirs)

    def shares(self, steps: int, device: torch.device) -> Tensor:
        """Return by which share the average approaches the weights after each of `steps` steps, for `approach`."""
        shares = [1 - min(self._decay, (1 + step) / (10 + step)) for step in range(1, steps + 1)]
        return torch.tensor(shares, device=device)

    @torch.no_grad()
    def approach(self, network: nn.Module, share: Tensor) -> None:
        """Take in the weights by a `share` () that lies on the device, which is not waited for."""
        own, new = self._parts(self.tensors)[True], self._parts(network.state_dict())[True]
        difference = torch._foreach_sub(new, own)
        torch._foreach_mul_(difference, share)
        torch._foreach_add_(own, difference)

    @staticmethod
    def _parts(tensors: dict[str, Tensor]) -> dict[bool, list[Tensor]]:
        """Return the tensors that are averaged, and the counters, which are not."""
        parts: dict[bool, list[Tensor]] = {True: [], False: []}
        for tensor in tensors.values():
            parts[tensor.is_floating_point()].append(tensor)
        return parts
