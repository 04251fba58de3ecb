"""What a search found, as a base to scale."""

from __future__ import annotations

from search.runs.run import open_run
from space import Architecture, UserError


def best(name: str) -> Architecture:
    """The best network of a run that is finished. Raises `UserError` if it is not, or nothing is complete."""
    run = open_run(name)
    if not run.over:
        finish = f"It is being driven by {run.driver}" if run.driver else f"Finish it: {run.go_on}"
        example = f"; or name a trial: {name}:{run.ranked[0].number}" if run.ranked else ""
        raise UserError(f"The run {run.name} is unfinished. {finish}{example}")
    return run.best.architecture


def trained(name: str, number: int) -> Architecture:
    """The network of a complete trial. Raises `UserError` if there is no such trial, or it is not complete."""
    run = open_run(name)
    trial = run.trial(number)
    if trial.terms is None:
        raise UserError(f"Trial {number} of the run {run.name} is {trial.state}; a base must be trained.")
    return trial.architecture
