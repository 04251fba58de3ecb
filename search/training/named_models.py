"""What a word on the command line means as a model: a folder with one, a run, a trial, or a published network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.models.model import UNKNOWN, Metric, Model, Provenance, is_model, load_model, numbered, versions
from search.runs.run import ENVIRONMENT, Run, open_run, split
from search.training.networks import find
from search.trials.trial import Trial
from space import Architecture


def named_model(what: str) -> tuple[str, Model]:
    """The model that `what` means, and a name for it.

    A folder with a model, or what `search.training.networks.find` knows, freshly initialised: a trial of a run too, since a
    search keeps no weights, but with what the proxy measured. Raises `UserError` for anything else, naming the nearest.
    """
    path = Path(what).expanduser()
    if is_model(path):
        return path.resolve().name, load_model(path)
    found = find(what)
    if found.trial is None:
        return found.name, untrained(found.architecture)
    run = open_run(split(what)[0])
    return found.name, _of_trial(run, run.trial(found.trial))


def untrained(
    architecture: Architecture,
    classes: Sequence[str] = (),
    provenance: Provenance = UNKNOWN,
    metrics: Sequence[Metric] = (),
    *,
    weights: bool = True,
) -> Model:
    """A model of `architecture` with fresh weights of seed 0, or without any.

    classes: their names; numbers, if there are none.
    """
    import torch

    from space.network.network import build
    from space.weights import Conventions, Weights, for_channels

    tensors = {}
    if weights:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            tensors = build(architecture).state_dict()
    return Model(
        weights=Weights(architecture, tensors, for_channels(Conventions(), architecture.channels)),
        classes=tuple(classes) or numbered(architecture.classes),
        trained=False,
        metrics=tuple(metrics),
        provenance=_versioned(provenance),
    )


def _of_trial(run: Run, trial: Trial) -> Model:
    data = _environment(run).get("data", {})
    provenance = Provenance(
        run=run.name,
        trial=trial.number,
        data=run.config.data.source,
        data_digest=data.get("digest", ""),
        seed=trial.seed,
    )
    names = tuple(data.get("classes", ()))
    fits = len(names) == trial.architecture.classes
    return untrained(trial.architecture, names if fits else (), provenance, tuple(_measured(run, trial)))


def _measured(run: Run, trial: Trial) -> list[Metric]:
    result, proxy = trial.result, run.config.proxy
    if result is None:
        return []
    pixels = f", {proxy.resolution} px" if proxy.resolution else ""
    note = f"of its proxy, which was not kept: {proxy.width:g} of the width{pixels}, {result.epochs} epochs"
    figures = {"accuracy": result.accuracy, "top5": result.top5, "loss": result.loss}
    return [
        Metric(name=name, split="validation", value=value, note=note)
        for name, value in figures.items()
        if value is not None
    ]


def _environment(run: Run) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((run.path / ENVIRONMENT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _versioned(provenance: Provenance) -> Provenance:
    """The same, made with what is installed here, where it does not say with what."""
    return provenance if provenance.versions else provenance.model_copy(update={"versions": versions()})
