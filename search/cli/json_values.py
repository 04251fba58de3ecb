"""Runs, trials, networks, spaces and data as plain values, as `--json` prints them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from search.runs.names import ANSWERS
from search.tables.table import plain
from search.trials.columns import options, row
from space.cost.cost import cost, parts

if TYPE_CHECKING:
    from search.data.report import Report
    from search.runs.run import Run
    from search.trials.trial import Trial
    from space import Architecture, Cost, Space
    from space.cost.cost import Part

Values = dict[str, Any]


def run_values(run: Run) -> Values:
    """Return the progress of a run, its best trial, and its answers: best, most accurate and cheapest.

    "over" is True if nothing is left to do. "seconds" is the time worked on the run so far, and "left" the estimated
    time to its end in seconds, None if unknown.
    """
    config = run.config
    return {
        "run": run.name,
        "path": str(run.path),
        "space": config.space.name,
        "data": config.data.source,
        "sampler": config.sampler.sampler,
        "executor": config.executor.executor,
        "driver": run.driver or None,
        "over": run.over,
        "rungs": str(run.gate) if run.gate else None,
        "states": dict(Counter(trial.state for trial in run.trials)),
        "trials": config.settings.trials,
        "budget": config.settings.budget,
        "ended": run.ended or None,
        "seconds": run.seconds,
        "trials_per_hour": run.rate and run.rate * 3600,
        "left": run.left,
        "running": [trial.number for trial in run.running],
        "best": plain(row(run.best)) if run.ranked else None,
        "answers": _answers(run) if run.ranked else None,
    }


def _answers(run: Run) -> Values:
    """Return the trial number of each answer by its name, and two values by which the cheapest answer is chosen.

    "cost": the name of the cost that the cheapest answer minimises. "standard_error": the standard error of the
    highest accuracy; the accuracy of the cheapest answer is lower by at most this.
    """
    found = run.answers
    numbers = {name: run.pick(name).number for name in ANSWERS}
    return {**numbers, "cost": found.cost, "standard_error": found.error}


def trial_values(run: Run, trial: Trial) -> Values:
    """Return the row of a trial as in `search export`, its choices, the result of its training, and its network."""
    result = trial.result.to_dict() if trial.result else {}
    result.pop("hits", None)
    return {
        "run": run.name,
        **plain(row(trial)),
        "seed": trial.seed,
        "choices": options(trial, run.config.space),
        "result": plain(result) or None,
        "network": network_values(trial.architecture),
    }


def network_values(architecture: Architecture) -> Values:
    """Return a network with its exact costs, in total and for each part."""
    return {
        "architecture": str(architecture),
        "digest": architecture.digest,
        "resolution": architecture.resolution,
        "classes": architecture.classes,
        "channels": architecture.channels,
        **_costs(cost(architecture)),
        "parts": [_part(part) for part in parts(architecture)],
    }


def space_values(space: Space) -> Values:
    """Return the choices of a space, the number of its networks, and the range of their costs."""
    costs = space.range
    return {
        "space": space.name,
        "networks": space.size,
        "choices": {choice.name: list(choice.options) for choice in space.choices},
        "params": list(costs.params),
        "macs": list(costs.macs),
        "activations": list(costs.activations),
    }


def data_values(report: Report) -> Values:
    """Return the properties of the data for a search.

    They are the names of the classes, the channels and the side of the images in pixels, the numbers of images by
    split and by class, the images left out, and the path of the cache with its size in bytes.
    """
    manifest = report.manifest
    return {
        "data": report.source.source,
        "classes": list(manifest.classes),
        "channels": manifest.channels,
        "resolution": manifest.resolution,
        "images": {part: len(split) for part, split in report.splits.items()},
        "of_each_class": report.counts,
        "skipped": list(manifest.skipped),
        "cache": str(report.place),
        "bytes": report.bytes,
    }


def _part(part: Part) -> Values:
    fields = ("op", "depth", "kernel", "stride", "expand", "se", "width")
    stage = {field: getattr(part.part, field) for field in fields if hasattr(part.part, field)}
    return {"name": part.name, **stage, "size_in": part.size_in, "size": part.size, **_costs(part.cost)}


def _costs(costs: Cost) -> Values:
    return {"params": costs.params, "macs": costs.macs, "activations": costs.activations}
