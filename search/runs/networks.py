"""The meaning of words on the command line that name a network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from search.models.model import is_model, read_document
from search.runs.names import ANSWERS, is_run, runs, split
from search.runs.run import Run, open_run
from search.trials.trial import Trial
from space import CATALOG, Architecture, UserError, decode
from space.catalog import unpublished
from space.choices.named_networks import FORMS, named_network


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    """A network that a word means, and its origin.

    name: the name for folders and families. model: the folder of the model that the word names; None for other words.
    run, trial: the run and the trial that the word names; None for other words.
    """

    name: str
    architecture: Architecture
    model: Path | None = None
    run: Run | None = None
    trial: Trial | None = None


def model_folder(found: FoundNetwork, word: str) -> Path:
    """Return the folder of the model that `word` in the setting `weights` names.

    Raises `UserError` if the word names something other than a model.
    """
    if found.model is None:
        raise UserError(f"weights={word}: not the folder of a model; search weights --model DIR writes one.")
    return found.model


def find_network(word: str, what: str = "network or run") -> FoundNetwork:
    """Return the network that `word` means.

    First, the word can be the folder of a model, as `search train` and `scale --save` write it, unless a published
    network has that name. Second, it can be a name that `space.choices.named_networks.named_network` knows. Last, it
    can be a run, which means its best network ("RUN"), one of its trials ("RUN:12") or one of its answers
    ("RUN:most-accurate"). what: the kind of word, for the error message. Raises `UserError` for any other word, with
    the nearest published networks and runs, and for a run without a complete trial or without the trial named.
    """
    folder = Path(os.path.expanduser(word))
    is_folder = word not in CATALOG and is_model(folder)
    if not is_folder and (named := named_network(word)):
        return FoundNetwork(named.name, named.architecture)
    if is_folder:
        return FoundNetwork(folder.resolve().name, decode(read_document(folder).architecture), model=folder)
    name, which = split(word)
    if which is None and not is_run(name):
        raise unpublished(
            what, word, runs(), forms=(*FORMS, "RUN", "RUN:NUMBER", *(f"RUN:{name}" for name in ANSWERS))
        )
    run = open_run(name)
    trial = run.pick(which)
    return FoundNetwork(f"{run.path.name}-{trial.number}", trial.architecture, run=run, trial=trial)
