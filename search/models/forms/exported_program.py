"""A network as a program of `torch.export`: a .pt2 file that torch runs without this package."""

from __future__ import annotations

import io
import warnings
from typing import cast

from search.models.forms.parity import ready, require_equal
from search.models.model import Model


def program(name: str, model: Model) -> bytes:
    """Return the exported program, for batches of any size: `torch.export.load(FILE).module()(images)` gives logits.

    images: (batch, channels, resolution, resolution) float32. Raises `UserError` if its logits differ from those of
    the network.
    """
    import torch

    with ready(model) as (network, images), warnings.catch_warnings():
        # torch warns about its own deprecations.
        warnings.simplefilter("ignore")
        batch = torch.export.Dim("batch")
        exported = torch.export.export(network, (images[:2],), dynamic_shapes=({0: batch},))
        file = io.BytesIO()
        torch.export.save(exported, file)
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
        require_equal("torch.export program", lambda x: cast(torch.Tensor, loaded(x)), network, images)
    return file.getvalue()
