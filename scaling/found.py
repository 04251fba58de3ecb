"""What a search found, as a base to scale."""

from __future__ import annotations

from search.run import Run, open_run
from space import Architecture, Refused


def best(name: str) -> Architecture:
    """The best network of a run that is finished. Raises `Refused` if it is not, or nothing is complete."""
    run = open_run(name)
    going_on = [trial for trial in run.trials if trial.state in ("waiting", "running")]
    if going_on and not run.over:
        raise Refused(
            f"The run {run.name} is unfinished: {len(going_on)} of its trials are still to be trained. Finish it: "
            f"search resume {run.name}; or name a trial: {name}:{_example(run)}"
        )
    return run.best.architecture


def trained(name: str, number: int) -> Architecture:
    """The network of a complete trial. Raises `Refused` if there is no such trial, or it is not complete."""
    run = open_run(name)
    trial = run.trial(number)
    if trial.terms is None:
        raise Refused(f"Trial {number} of the run {run.name} is {trial.state}; a base must be trained.")
    return trial.architecture


def _example(run: Run) -> int:
    return run.ranked[0].number if run.ranked else 0
