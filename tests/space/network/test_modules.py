"""Modules of layers that torch does not have."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from space.network.modules import DepthwiseConv


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("side", [1, 2, 3, 4])
@pytest.mark.parametrize("training", [True, False])
def test_a_depthwise_convolution_equals_torchs_with_its_gradients(
    kernel: int, side: int, training: bool
) -> None:
    torch.manual_seed(0)
    own = DepthwiseConv(16, 16, kernel, padding=kernel // 2, groups=16, bias=False).train(training).double()
    plain = nn.Conv2d(16, 16, kernel, padding=kernel // 2, groups=16, bias=False).double()
    plain.load_state_dict(own.state_dict())
    x = torch.randn(3, 16, side, side, dtype=torch.float64, requires_grad=True)
    other = x.detach().clone().requires_grad_()
    weights = torch.randn(3, 16, side, side, dtype=torch.float64)
    (own(x) * weights).sum().backward()
    (plain(other) * weights).sum().backward()
    torch.testing.assert_close(own(x), plain(other), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(own.weight.grad, plain.weight.grad, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(x.grad, other.grad, rtol=1e-12, atol=1e-12)


def test_a_depthwise_convolution_trains_on_maps_that_are_not_square() -> None:
    own = DepthwiseConv(4, 4, 5, padding=2, groups=4)
    plain = nn.Conv2d(4, 4, 5, padding=2, groups=4)
    plain.load_state_dict(own.state_dict())
    x = torch.randn(2, 4, 1, 3)
    torch.testing.assert_close(own(x), plain(x))
