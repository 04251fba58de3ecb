"""What trainings shorter than the whole told of networks, and what became of those: on the page of a search."""

from __future__ import annotations

from collections.abc import Iterator

from search.report.document import Axis, Block, Chart, Listing, Section, Series, Texts
from search.runs.run import Run
from search.tables.table import Column, Row
from search.trials.trial import RANKED, Rung, Trial

_RUNGS = (
    Column("epochs", "Epochs", form="d"),
    Column("trained", "Networks trained", form="d", description="for so many epochs"),
    Column("further", "Trained further", form="d", description="of these, for more epochs"),
    Column("bound", "Rank correlation", form=".2f", description="with whole trainings: its lower bound"),
    Column("used", "Used", description="to choose who is trained further"),
)


def shorter_trainings(run: Run) -> Iterator[Section]:
    """A row for each rung, and what it said of networks against the whole training; nothing without rungs."""
    ladder = run.config.ladder
    if len(ladder.epochs) == 1:
        return
    gate = run.gate
    blocks: list[Block] = [Texts((f"{str(gate)[:1].upper()}{str(gate)[1:]}.",))] if gate else []
    bounds = dict(zip(ladder.epochs, gate.bounds, strict=False)) if gate else {}
    used = ladder.used(run.trials)
    rows: list[Row] = [
        {
            "epochs": epochs,
            "trained": (trained := sum(trial.rung(epochs) is not None for trial in run.trials)),
            "further": trained - sum(_last(trial) == epochs for trial in run.trials),
            "bound": bounds.get(epochs),
            "used": "yes" if epochs in used else "no",
        }
        for epochs in ladder.epochs[:-1]
    ]
    blocks.append(Listing(_RUNGS if gate else _RUNGS[:3], rows))
    if chart := rungs(run):
        blocks.insert(1 if gate else 0, chart)
    yield Section("rungs", "Shorter trainings", tuple(blocks))


def rungs(run: Run) -> Chart | None:
    """The reward after shorter trainings against that after the whole one; None where no network has had both."""
    several = run.config.reward.multi_objective
    series = []
    for colour, epochs in enumerate(run.config.ladder.epochs[:-1]):
        pairs = [
            (_worth(rung, several), _worth(trial, several), f"trial {trial.number}")
            for trial in run.trials
            if trial.state in RANKED and trial.terms and (rung := trial.rung(epochs))
        ]
        if pairs:
            xs, ys, labels = (tuple(part) for part in zip(*pairs, strict=True))
            name = f"{epochs} epoch{'s' * (epochs > 1)}"
            series.append(Series(name, "points", xs, ys, labels=labels, colour=colour))
    if not series:
        return None
    what, form = ("accuracy", ".3f") if several else ("reward", ".4f")
    return Chart(
        "rungs",
        "Shorter trainings against whole ones",
        Axis(f"{what.capitalize()} after a shorter training", form=form),
        Axis(f"{what.capitalize()} after {run.config.ladder.last} epochs", form=form),
        tuple(series),
        "A rung that ranks networks has its points along a rising line, however steep. Those that were not trained "
        "further are missing, which narrows what is left.",
    )


def _worth(scored: Rung | Trial, several: bool) -> float:
    assert scored.terms
    return scored.terms.accuracy if several else scored.terms.reward


def _last(trial: Trial) -> int | None:
    """The epochs of the training at which a trial rests."""
    return trial.rungs[-1].result.epochs if trial.state == "pruned" else None
