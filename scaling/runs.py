"""Networks of finished searches, as bases to scale."""

from __future__ import annotations

from search.runs.run import open_run
from space import Architecture, UserError


def best(name: str) -> Architecture:
    """Return the best network of a finished run.

    Raises `UserError` if the run is not finished or has no complete trial.
    """
    run = open_run(name)
    if not run.over:
        finish = f"It is still running ({run.driver})" if run.driver else f"Finish it: {run.go_on}"
        example = f"; or name a trial: {name}:{run.ranked[0].number}" if run.ranked else ""
        raise UserError(f"The run {run.name} is unfinished. {finish}{example}")
    return run.best.architecture


def trained(name: str, number: int) -> Architecture:
    """Return the network of a complete trial. Raises `UserError` if the trial is missing or not complete."""
    run = open_run(name)
    trial = run.trial(number)
    if trial.terms is None:
        raise UserError(
            f"Trial {number} of the run {run.name} is {trial.state}; a base must be a complete trial."
        )
    return trial.architecture
