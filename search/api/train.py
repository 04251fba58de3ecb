"""The full training of one network from Python, with keywords and a progress display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from search.api.words import joined
from search.training import settings as training

if TYPE_CHECKING:
    from search.models.model import Model
    from search.training.progress import Callback


def train(
    network: str,
    settings: Mapping[str, Any] | None = None,
    *,
    callback: Callback | Literal["auto"] | None = "auto",
    **words: Any,
) -> Model:
    """Train one network in full, and return the model.

    >>> from search import train
    >>> recipe = {"recipe.epochs": 1, "recipe.batch": 64, "recipe.device": "cpu"}
    >>> model = train("photos:best", recipe, out="models/mine", callback=None)
    >>> model.classes[:2]
    ('striped disc', 'checked disc')

    network: a run, a trial ("RUN:12"), an answer ("RUN:best"), a published network, a canonical string, block
    strings, a model's folder or a file. settings, words: those of `search train`. The model is written into the
    folder that the setting `out` names, by default into a new folder below `models`. callback: a function that
    receives the events of the training; "auto" prints a line for each epoch to standard error, None prints nothing.
    Raises `UserError` for an unknown network and for invalid settings, before anything is written, and
    `search.proxy.failure.TrialFailed` for a training that diverges.
    """
    return training.train(
        network, joined(settings, words), callback=_shown() if callback == "auto" else callback
    )


def _shown() -> Callback:
    from rich.console import Console

    from search.training.progress import Terminal

    return Terminal(Console(stderr=True, force_jupyter=False))
