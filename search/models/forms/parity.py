"""The check of exported files that can run: they are written only if their logits equal those of torch."""

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
"""The largest permitted difference of logits, as a share of the image's largest absolute logit, or of 1 if all are
smaller.

Logits are never exactly equal, since libraries sum in different orders.
"""


@contextmanager
def ready(model: Model) -> Iterator[tuple[Network, Tensor]]:
    """Yield the network of `model` in evaluation mode and three random images. The random state is restored."""
    import torch

    from space.weights import rebuild

    network = model.architecture
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        side = model.fed.resolution
        yield rebuild(model.weights).eval(), torch.randn(3, network.channels, side, side)


def require_equal(form: str, compute: Callable[[Tensor], Tensor], network: Network, images: Tensor) -> None:
    """Raise `UserError` unless `compute` gives the logits of `network` for all `images`, and for the first alone."""
    for batch in (images, images[:1]):
        error = difference(compute(batch), network(batch))
        if not error <= TOLERANCE:
            raise UserError(
                f"The logits of the {form} of {network.architecture} differ by {error:.2g} from the network's. "
                "The file is not written."
            )


def difference(logits: Tensor, expected: Tensor) -> float:
    """Return the largest difference of logits (batch, classes) of two networks, relative as in `TOLERANCE`."""
    scale = expected.abs().amax(1, keepdim=True).clamp(min=1)
    return float(((logits - expected).abs() / scale).max())
