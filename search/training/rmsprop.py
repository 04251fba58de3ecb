"""RMSProp as TensorFlow computes it, with which the EfficientNets were trained; timm calls it RMSpropTF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class TensorFlowRMSProp(torch.optim.Optimizer):
    """RMSProp as TensorFlow computes it.

    Epsilon is inside the root, the average of squared gradients begins at 1, and the momentum contains the learning
    rate of each step. Weight decay is added to the gradient.

    torch's RMSprop adds epsilon outside of the root, begins the average at 0, and multiplies the whole momentum by
    the current learning rate. With the EfficientNets' epsilon of 0.001, torch's steps are 1 to 32 times as long; the
    factor grows as gradients get smaller.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        alpha: float = 0.9,
        eps: float = 1e-3,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step. Return the loss that `closure` computes; None without a closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [value for value in group["params"] if value.grad is not None]
            if parameters:
                self._update(parameters, group)
        return loss

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        for value in parameters:
            state = self.state[value]
            if not state:
                state["square_avg"] = torch.ones_like(value)
                if group["momentum"]:
                    state["momentum_buffer"] = torch.zeros_like(value)
        gradients = [value.grad for value in parameters if value.grad is not None]
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
        averages = [self.state[value]["square_avg"] for value in parameters]
        torch._foreach_lerp_(averages, torch._foreach_mul(gradients, gradients), 1 - group["alpha"])
        roots = torch._foreach_add(averages, group["eps"])
        torch._foreach_sqrt_(roots)
        steps = list(torch._foreach_div(gradients, roots))
        torch._foreach_mul_(steps, group["lr"])
        if group["momentum"]:
            buffers = [self.state[value]["momentum_buffer"] for value in parameters]
            torch._foreach_mul_(buffers, group["momentum"])
            torch._foreach_add_(buffers, steps)
            steps = buffers
        torch._foreach_sub_(parameters, steps)
