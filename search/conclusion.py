"""What the end of a search says, for the screen: who has won, how sure that is, and how noisy the proxy was."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from search.columns import FINALS, TRIALS, row
from search.display import table
from search.finals import NOISY, RELIABLE, Noise, Verdict
from search.run import Run
from search.trial import Trial

_TERMINAL = 10
"""Finalists that are told."""


def conclusion(run: Run) -> Iterator[RenderableType]:
    """The finals of a run, as far as they are; nothing where there are none."""
    verdict = run.verdict
    if verdict is None:
        yield from _unfinished(run)
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
    assert first.final
    interval = "" if verdict.half is None else f" +- {verdict.half:.4f} (95%)"
    count = len(first.again)
    return (
        f"winner: trial {first.number}, accuracy {first.final.accuracy:.4f}{interval}, mean of {count} fresh"
        f" seed{'s' * (count > 1)}; reward {first.final.reward:.4f}{_searched(first)}"
    )


def noise(found: Noise) -> str:
    """How noisy the proxy was, in one line."""
    return (
        f"noise: one network's accuracy varies by {found.seed:.4f} from seed to seed (SD, {found.freedom} degrees"
        f" of freedom), the trials' by {found.networks:.4f}: rank reliability {found.reliability:.2f}"
    )


def warning(run: Run, found: Noise) -> Iterator[str]:
    """What to mind where much of the order of the trials is chance, and what helps; nothing where little is."""
    if found.reliability >= RELIABLE:
        return
    proxy = run.config.proxy
    remedies = [f"proxy.epochs={2 * proxy.epochs}"]
    remedies += ["proxy.images=null"] if proxy.images else []
    remedies += (
        ["proxy.validation_images=null"] if proxy.validation_images else ["more images to validate on"]
    )
    mostly = found.reliability < NOISY
    says = "the proxy is mostly noise" if mostly else "the order of neighbours is mostly chance"
    yield f"warning: {says}; what helps: {', '.join(remedies)}, finals=full"


def _unfinished(run: Run) -> Iterator[str]:
    agenda = run.agenda
    if not agenda.finalists or not (run.searched or any(trial.repeats for trial in run.trials)):
        return
    total = len(agenda.trainings)
    if agenda.left:
        yield (
            f"finals: {total - agenda.left} of {total} trainings of the best {len(agenda.finalists)} with fresh"
            " seeds; until they are over, the highest reward counts"
        )
    else:
        reasons = [repeat.reason for trial in agenda.finalists for repeat in trial.repeats]
        yield f"finals: all {total} trainings of the best failed, the last: {reasons[-1]}"


def _searched(trial: Trial) -> str:
    return f" (in the search {trial.terms.reward:.4f})" if trial.terms else ""


def _seeds(verdict: Verdict) -> str:
    counts = sorted({len(trial.again) for trial in verdict.standing})
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{seeds} fresh seed{'s' * (counts[-1] > 1)} each"
