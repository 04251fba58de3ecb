"""Runs and trials as texts and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table

from search.cli.networks import show_network
from search.cli.table import table
from search.report.finals_text import (
    SHOWN,
    finals_text,
    saturation_warning,
    single_trainings_text,
    unfinished_text,
)
from search.runs.exchange import conclusions
from search.runs.front import growth, on_front
from search.runs.names import ANSWERS
from search.runs.run import Run
from search.tables.table import Column, Row
from search.tables.units import clock, plural
from search.trials.columns import BRIEF, FINALS, TRIALS, row
from search.trials.finals import Verdict
from search.trials.trial import Trial
from space.cost.table import COSTS

_ANSWERS = (
    Column("answer", "Answer"),
    Column("number", "Trial", form="d"),
    Column("accuracy", "Accuracy", form=".4f"),
    Column("reward", "Reward", form=".4f"),
    Column("params", "Params", form="si"),
    Column("macs", "MACs", form="si"),
)


def brief(trials: Iterable[Trial]) -> Table:
    """Return a table of trials that fits a terminal."""
    return _trials(trials, BRIEF)


def _trials(trials: Iterable[Trial], keys: Sequence[str]) -> Table:
    """Return a table of trials. A column of `keys` without any value is left out."""
    rows = [row(trial) for trial in trials]
    used = [key for key in keys if any(values[key] is not None for values in rows)]
    return table(rows, [column for key in used for column in TRIALS if column.key == key])


def show_trial(run: Run, trial: Trial) -> Iterator[RenderableType]:
    """Yield the reward of a trial with its terms, the measurements of the trial, and its network."""
    origin = f" trial, {trial.origin}" if trial.origin else ""
    yield f"run {run.name}, trial {trial.number}: {trial.state}{origin}{trial.reason and ', ' + trial.reason}"
    for rung in trial.rungs:
        yield f"low-fidelity training of {plural(rung.result.epochs, 'epoch')}: {rung.terms}"
    if trial.terms and trial.result:
        result, reward = trial.result, run.config.reward
        yield str(trial.terms)
        top5 = f", top-5 accuracy {result.top5:.4f}" if result.top5 is not None else ""
        yield f"{result.epochs} epochs, {result.images:,} images in {result.seconds:.1f} s{top5}"
        if trial.final_terms:
            accuracies = ", ".join(f"{accuracy:.4f}" for accuracy in trial.final_accuracies)
            yield f"accuracy with fresh seeds: {accuracies}; with their mean {trial.final_terms}"
        if trial.predicted:
            estimated = (
                f", {trial.predicted.unmeasured:.0%} of it estimated" if trial.predicted.flagged else ""
            )
            yield f"step predicted {trial.predicted.ms:.1f} ms, S/S0 {trial.step_ratio:.3f}{estimated}"
        if result.step_ms is not None:
            yield f"step measured {result.step_ms:.1f} ms, S/S0 {result.step_ratio:.3f}"
        if trial.latency:
            part, text = trial.latency.unmeasured, COSTS["latency"].text
            estimated = f", {part:.0%} of it estimated" if part else ""
            measured = f", measured {text(result.latency_ms)}" if result.latency_ms is not None else ""
            yield f"latency predicted {text(trial.latency.ms)}{estimated}{measured}"
        memory = reward.exact_cost("memory", trial.architecture)
        yield f"training the full network with batches of {reward.batch} images needs {memory:,} bytes or more"
    yield from show_network(trial.architecture)


def show_run(run: Run, top: int = 10) -> Iterator[RenderableType]:
    """Yield the settings of a run, its progress, its `top` best networks, its finals and its conclusions.

    Under several objectives, the Pareto front follows the networks. With `top` above 1, the answers of the run (best,
    most accurate, cheapest) follow the finals. With `top` 0, or before the first result, only the settings and the
    progress are yielded.
    """
    config = run.config
    yield (
        f"{run.path}: space {config.space.name}, data {config.data.source}, sampler {config.sampler.sampler},"
        f" executor {config.executor.executor}"
    )
    yield _progress(run)
    if run.gate:
        yield str(run.gate)
    if run.ended:
        yield f"the search has ended: {run.ended}"
    if run.driver:
        yield f"running: {run.driver}{_pace(run)}"
        yield from (f"running trial {trial.number}: {trial.architecture}" for trial in run.running if top)
    elif not run.over:
        yield f"not running; continue with: {run.go_on}"
    if run.ranked[:top]:
        yield brief(run.ranked[:top])
        yield ""
        # As a column of the table, each network would fold into a dozen lines on a narrow terminal.
        yield from (f"{trial.number}: {trial.architecture}" for trial in run.ranked[:top])
        if config.reward.multi_objective:
            yield from _front(run, top)
        yield from show_finals(run)
        if top > 1:
            yield ""
            yield show_answers(run)
        yield from conclusions(run)


def show_answers(run: Run) -> Table:
    """Return a table of the answers of a run: the best, the most accurate and the cheapest network."""
    return answers_table({f"{run.name}:{name}": run.pick(name) for name in ANSWERS})


def answers_table(answers: Mapping[str, Trial]) -> Table:
    """Return a table with a row for each answer. answers: a mapping of the name of an answer to its trial."""
    rows: list[Row] = []
    for name, trial in answers.items():
        terms = trial.final_terms or trial.terms
        rows.append(
            {
                "answer": name,
                "number": trial.number,
                "accuracy": terms and terms.accuracy,
                "reward": terms and terms.reward,
                "params": trial.cost.params,
                "macs": trial.cost.macs,
            }
        )
    return table(rows, _ANSWERS)


def _progress(run: Run) -> str:
    """Return the number of trials of each state, and the time that the run has taken so far."""
    states = [trial.state for trial in run.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "none yet"
    limits = run.config.settings
    total = f" of {limits.trials} trials" if limits.trials else ""
    budget = f" of {clock(limits.budget)}" if limits.budget else ""
    return f"{counts}{total}; {clock(run.seconds)}{budget} worked"


def _pace(run: Run) -> str:
    """Return the speed of a run and its remaining time, as far as they are known."""
    speed = f"; {run.rate * 3600:.0f} trials an hour" if run.rate else ""
    return speed + (f", about {clock(run.left)} left" if run.left is not None else "")


def _front(run: Run, top: int) -> Iterator[RenderableType]:
    """Yield the Pareto front of a multi-objective search, and its hypervolume over the trials."""
    trials = on_front(run.trials)
    costs = ", ".join(run.config.reward.costs)
    yield f"front: {len(trials)} trial{'s' * (len(trials) != 1)} that no other beats in accuracy, {costs} together"
    if top > 1:
        yield brief(trials)
    volumes = ", ".join(f"{volume:.3f} after {count}" for count, volume in growth(run.trials))
    yield f"hypervolume, as a share of the box between the best and the worst values seen: {volumes} trials"


def show_finals(run: Run) -> Iterator[RenderableType]:
    """Yield the networks of a run's finals and the verdict; without a verdict, the progress of the finals.

    Without a verdict, a finished run can also give a warning of equal accuracies and, if it has no finals, a line on
    its noise.
    """
    verdict = run.verdict
    if verdict is None:
        yield from unfinished_text(run)
        yield from saturation_warning(run)
        yield from single_trainings_text(run)
        return
    yield f"finals: the best of the search, trained with {_seeds(verdict)}"
    yield _trials(verdict.standing[:SHOWN], FINALS)
    yield from finals_text(run, verdict)


def _seeds(verdict: Verdict) -> str:
    counts = sorted({len(trial.final_accuracies) for trial in verdict.standing})
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{seeds} fresh seed{'s' * (counts[-1] > 1)} each"
