"""What every form that computes must show before it is written: the logits that torch computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from search.models.model import Model
from space import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from space.network.network import Network

TOLERANCE = 1e-5
"""Of logits, absolute up to 1 and relative to the largest of an image beyond: libraries sum in different orders."""


@contextmanager
def ready(model: Model) -> Iterator[tuple[Network, Tensor]]:
    """The network of `model` in evaluation mode, and three images to try it on; random state is put back."""
    import torch

    from space.weights import rebuild

    network = model.architecture
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        side = model.fed.resolution
        yield rebuild(model.weights).eval(), torch.randn(3, network.channels, side, side)


def require_equal(form: str, compute: Callable[[Tensor], Tensor], network: Network, images: Tensor) -> None:
    """Raises `UserError` unless `compute` gives the logits of `network`, on all `images` and on one alone."""
    for batch in (images, images[:1]):
        off = difference(compute(batch), network(batch))
        if not off <= TOLERANCE:
            raise UserError(f"The {form} of {network.architecture} is off by {off:.2g}; it is not written.")


def difference(found: Tensor, expected: Tensor) -> float:
    """How far logits (batch, classes) are from the `expected` ones at most, as `TOLERANCE` has it."""
    scale = expected.abs().amax(1, keepdim=True).clamp(min=1)
    return float(((found - expected).abs() / scale).max())
