"""The section of a page about low-fidelity trainings: how many there were, and how well they rank networks."""

from __future__ import annotations

from collections.abc import Iterator

from search.report.document import Axis, Block, Chart, Listing, Section, Series, Texts
from search.report.palette import colour
from search.runs.run import Run
from search.tables.table import Column, Row
from search.tables.units import plural
from search.trials.trial import RANKED, Rung, Trial

_RUNGS = (
    Column("epochs", "Epochs", form="d"),
    Column("trained", "Networks trained", form="d", description="for this number of epochs"),
    Column("further", "Trained further", form="d", description="of these, promoted to more epochs"),
    Column("bound", "Rank correlation", form=".2f", description="with full proxy trainings: a lower bound"),
    Column("used", "Used", description="to select networks for more epochs"),
)


def low_fidelity_section(run: Run) -> Iterator[Section]:
    """Yield a section with a table of the rungs (the numbers of epochs) below the full training, if there are any.

    A chart compares the rewards (with several objectives, the accuracies) after low-fidelity and full trainings, if
    any network had both.
    """
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
    yield Section("rungs", "Low-fidelity trainings", tuple(blocks))


def rungs(run: Run) -> Chart | None:
    """Return a chart of the rewards after low-fidelity and full trainings; None where no network has had both.

    For several objectives it shows accuracies instead of rewards.
    """
    several = run.config.reward.multi_objective
    series = []
    for number, epochs in enumerate(run.config.ladder.epochs[:-1]):
        pairs = [
            (_score(rung, several), _score(trial, several), f"trial {trial.number}")
            for trial in run.trials
            if trial.state in RANKED and trial.terms and (rung := trial.rung(epochs))
        ]
        if pairs:
            xs, ys, labels = (tuple(part) for part in zip(*pairs, strict=True))
            name = plural(epochs, "epoch")
            series.append(Series(name, "points", xs, ys, labels=labels, colour=colour(number)))
    if not series:
        return None
    what, form = ("accuracy", ".3f") if several else ("reward", ".4f")
    return Chart(
        "rungs",
        "Low-fidelity against full trainings",
        Axis(f"{what.capitalize()} after a low-fidelity training", form=form),
        Axis(f"{what.capitalize()} after {run.config.ladder.last} epochs", form=form),
        tuple(series),
        "The points of a rung that ranks networks well follow a rising line. Networks that were not promoted are "
        "missing, which narrows the range.",
    )


def _score(scored: Rung | Trial, several: bool) -> float:
    assert scored.terms
    return scored.terms.accuracy if several else scored.terms.reward


def _last(trial: Trial) -> int | None:
    """Return the epochs of the longest training of a pruned trial, None for other trials."""
    return trial.rungs[-1].result.epochs if trial.state == "pruned" else None
