"""The lookup of a model by a word of the command line: a model's folder, a run, a trial, or a published network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from search.models.model import UNKNOWN, Metric, Model, Provenance, load_model, numbered, versions
from search.runs.networks import find_network
from search.runs.run import ENVIRONMENT, Run
from search.trials.trial import Trial
from space import Architecture


def named_model(word: str) -> tuple[str, Model]:
    """Return a short name and the model for `word`.

    The folder of a model gives the model in it. Every other word that `search.runs.networks.find_network` knows gives
    a model with fresh weights. This includes trials, since a search keeps no weights; the model of a trial has the
    metrics of its proxy training. For an unknown word, raises `UserError` with the nearest name.
    """
    found = find_network(word)
    if found.model:
        return found.name, load_model(found.model)
    if found.run and found.trial:
        return found.name, _model_of_trial(found.run, found.trial)
    return found.name, untrained(found.architecture)


def untrained(
    architecture: Architecture,
    classes: Sequence[str] = (),
    provenance: Provenance = UNKNOWN,
    metrics: Sequence[Metric] = (),
    *,
    weights: bool = True,
) -> Model:
    """Return a model of `architecture` with fresh weights of seed 0, or without weights.

    classes: the names of the classes; without names they are numbered.
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


def _model_of_trial(run: Run, trial: Trial) -> Model:
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
    return untrained(trial.architecture, names if fits else (), provenance, tuple(_proxy_metrics(run, trial)))


def _proxy_metrics(run: Run, trial: Trial) -> list[Metric]:
    result, proxy = trial.result, run.config.proxy
    if result is None:
        return []
    pixels = f", {proxy.resolution} px" if proxy.resolution else ""
    training = f"width {proxy.width:g}{pixels}, {result.epochs} epochs"
    note = f"of the proxy training, whose weights were not kept: {training}"
    figures = {"accuracy": result.accuracy, "top5": result.top5, "loss": result.loss}
    return [
        Metric(name=name, split="validation", value=value, note=note)
        for name, value in figures.items()
        if value is not None
    ]


def _environment(run: Run) -> dict[str, dict[str, Any]]:
    try:
        environment: dict[str, dict[str, Any]] = json.loads((run.path / ENVIRONMENT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return environment


def _versioned(provenance: Provenance) -> Provenance:
    """Return `provenance` with the installed versions, if it has none."""
    return provenance if provenance.versions else provenance.model_copy(update={"versions": versions()})
