"""What the end of a search says, for the screen: who has won, how sure that is, and how noisy the proxy was."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from search.cli.live import table
from search.proxy.proxy import Proxy
from search.runs.run import Run
from search.trials.columns import FINALS, TRIALS, row
from search.trials.finals import NOISY, RELIABLE, Noise, Verdict
from search.trials.trial import Trial

_TERMINAL = 10
"""Finalists that are told."""
_ALIKE = 5
"""Trials from which on it is no accident that all have the same accuracy."""


def conclusion(run: Run) -> Iterator[RenderableType]:
    """The finals of a run, as far as they are; nothing where there are none."""
    verdict = run.verdict
    if verdict is None:
        yield from _unfinished(run)
        accuracies = {trial.result.accuracy for trial in run.ranked if trial.result}
        if run.over and len(run.ranked) >= _ALIKE and len(accuracies) == 1:
            yield _saturated(run, "costs alone")
        return
    yield f"finals: the best of the search, trained again with {_seeds(verdict)}"
    rows = [row(trial) for trial in verdict.standing[:_TERMINAL]]
    used = [key for key in FINALS if any(found[key] is not None for found in rows)]
    yield table(rows, [column for key in used for column in TRIALS if column.key == key])
    yield from told(run, verdict)


def told(run: Run, verdict: Verdict) -> Iterator[str]:
    """A verdict in sentences: the winner with its interval, the noise of the proxy, and what to mind."""
    yield winner(verdict)
    if verdict.tied:
        others = ", ".join(str(trial.number) for trial in verdict.tied[:_TERMINAL])
        yield f"its accuracy cannot be told from that of trial{'s' * (len(verdict.tied) > 1)} {others}"
    if verdict.noise:
        yield noise(verdict.noise)
        yield from warning(run, verdict.noise)


def winner(verdict: Verdict) -> str:
    """Who has won, in one line."""
    first = verdict.winner
    assert first.final_terms
    interval = "" if verdict.half is None else f" +- {verdict.half:.4f} (95%)"
    count = len(first.final_accuracies)
    return (
        f"winner: trial {first.number}, accuracy {first.final_terms.accuracy:.4f}{interval}, mean of {count} fresh"
        f" seed{'s' * (count > 1)}; reward {first.final_terms.reward:.4f}{_searched(first)}"
    )


def noise(found: Noise) -> str:
    """How noisy the proxy was, in one line."""
    apart = (
        "not at all"
        if found.reliability is None
        else f"by {found.networks:.4f}: rank reliability {found.reliability:.2f}"
    )
    return (
        f"noise: one network's accuracy varies by {found.seed:.4f} from seed to seed (SD, {found.freedom} degrees"
        f" of freedom), the trials' {apart}"
    )


def warning(run: Run, found: Noise) -> Iterator[str]:
    """What to mind where the order of the trials says little of their accuracies, and what helps."""
    if found.reliability is None:
        yield _saturated(run, "costs and chance" if found.seed else "costs alone")
    elif found.reliability < RELIABLE:
        mostly = found.reliability < NOISY
        says = "the proxy is mostly noise" if mostly else "the order of neighbours is mostly chance"
        yield f"warning: {says}; what helps: {', '.join((*_more(run.config.proxy), 'finals=full'))}"


def _saturated(run: Run, decided: str) -> str:
    return (
        "warning: all trials have the same accuracy: the proxy cannot tell them apart, and"
        f" {decided} decided; what helps: {', '.join(_apart(run))}"
    )


def _more(proxy: Proxy) -> Iterator[str]:
    """What makes the accuracies of a proxy less noisy."""
    yield f"proxy.epochs={2 * proxy.epochs}"
    if proxy.images:
        yield "proxy.images=null"
    yield _validation(proxy)


def _apart(run: Run) -> Iterator[str]:
    """What sets accuracies apart that are all the same."""
    proxy, best = run.config.proxy, run.ranked[0].result
    # At most a half is what guessing makes of two classes: there nothing was learned, else everything.
    if best and best.accuracy <= 0.5:
        yield from _more(proxy)
        return
    if proxy.epochs > 1:
        yield f"fewer epochs (proxy.epochs={proxy.epochs // 2})"
    yield _validation(proxy)
    yield "harder data"


def _validation(proxy: Proxy) -> str:
    return "proxy.validation_images=null" if proxy.validation_images else "more images to validate on"


def _unfinished(run: Run) -> Iterator[str]:
    agenda = run.agenda
    if not agenda.finalists or not (run.searched or any(trial.final_trainings for trial in run.trials)):
        return
    total = len(agenda.trainings)
    if agenda.left:
        yield (
            f"finals: {total - agenda.left} of {total} trainings of the best {len(agenda.finalists)} with fresh"
            " seeds; until they are over, the highest reward counts"
        )
    else:
        reasons = [repeat.reason for trial in agenda.finalists for repeat in trial.final_trainings]
        yield f"finals: all {total} trainings of the best failed, the last: {reasons[-1]}"


def _searched(trial: Trial) -> str:
    return f" (in the search {trial.terms.reward:.4f})" if trial.terms else ""


def _seeds(verdict: Verdict) -> str:
    counts = sorted({len(trial.final_accuracies) for trial in verdict.standing})
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{seeds} fresh seed{'s' * (counts[-1] > 1)} each"
