"""A network as a program of `torch.export`: a .pt2 file that torch runs without any code of ours."""

from __future__ import annotations

import io
import warnings
from typing import cast

from search.models.forms.parity import ready, require_equal
from search.models.model import Model


def program(name: str, model: Model) -> bytes:
    """The exported program, for batches of any size: `torch.export.load(FILE).module()(images)` are logits.

    images: (batch, channels, resolution, resolution) float32. Raises `UserError` if it computes anything else than
    the network.
    """
    import torch

    with ready(model) as (network, images), warnings.catch_warnings():
        # torch warns about its own future.
        warnings.simplefilter("ignore")
        batch = torch.export.Dim("batch")
        exported = torch.export.export(network, (images[:2],), dynamic_shapes=({0: batch},))
        file = io.BytesIO()
        torch.export.save(exported, file)
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
        require_equal("torch.export program", lambda x: cast(torch.Tensor, loaded(x)), network, images)
    return file.getvalue()
