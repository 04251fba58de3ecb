"""The finals of a search in sentences: the winner with its interval, and the noise of the proxy."""

from __future__ import annotations

from collections.abc import Iterator

from search.engine.outlook import chance
from search.proxy.proxy import Proxy
from search.report.findings import finals_differences
from search.runs.run import Run
from search.stats.differences import Differences
from search.tables.units import plural
from search.trials.finals import NOISY, RELIABLE, Noise, Verdict

UNTRAINED = "nothing was trained: accuracies are those of inherited weights, and another seed changes nothing"
"""The noise of a search with proxy.epochs=0, in words."""
SHOWN = 10
"""The largest number of trials that a sentence names."""
_SATURATED = 5
"""The smallest number of trials whose accuracies, if all are equal, cause a warning. Fewer can be equal by chance."""


def finals_text(run: Run, verdict: Verdict) -> Iterator[str]:
    """Yield a verdict in sentences: the winner with its interval, the noise of the proxy, and warnings."""
    tested = finals_differences(run, verdict.standing)
    yield winner(verdict, tested)
    similar = [
        str(trial.number)
        for place, trial in enumerate(verdict.standing)
        if place and verdict.noise and not tested.difference(place, 0).significant
    ]
    if similar:
        more = f" and {len(similar) - SHOWN} more" if len(similar) > SHOWN else ""
        trials = f"trial{'s' * (len(similar) > 1)} {', '.join(similar[:SHOWN])}{more}"
        yield f"its accuracy is not significantly different from {trials}"
    if verdict.noise:
        yield noise(verdict.noise)
        yield from warning(run, verdict.noise)


def winner(verdict: Verdict, tested: Differences) -> str:
    """Return the winner with its accuracy and reward in one line. tested: the differences of `verdict.standing`."""
    first = verdict.winner
    assert first.final_terms
    half = tested.mean(0).half
    interval = "" if half is None else f" +- {half:.4f} (95%)"
    search = f" (in the search {first.terms.reward:.4f})" if first.terms else ""
    return (
        f"winner: trial {first.number}, accuracy {first.final_terms.accuracy:.4f}{interval}, mean of "
        f"{plural(len(first.final_accuracies), 'fresh seed')}; reward {first.final_terms.reward:.4f}{search}"
    )


def noise(noise: Noise) -> str:
    """Return the noise of the proxy in one line."""
    spread = (
        "are all equal"
        if noise.reliability is None
        else f"vary by {noise.networks:.4f}: rank reliability {noise.reliability:.2f}"
    )
    return (
        f"noise: the accuracy of one network varies by {noise.seed:.4f} from seed to seed (SD, {noise.freedom}"
        f" degree{'s' * (noise.freedom != 1)} of freedom); the accuracies of the trials {spread}"
    )


def warning(run: Run, noise: Noise) -> Iterator[str]:
    """Yield a warning where accuracies hardly rank the trials, with settings that help."""
    if noise.reliability is None:
        yield _saturated(run, "costs and chance" if noise.seed else "costs alone")
    elif noise.reliability < RELIABLE:
        mostly = noise.reliability < NOISY
        problem = "the proxy is mostly noise" if mostly else "the order of neighbours is mostly chance"
        yield f"warning: {problem}; try {', '.join((*_less_noise(run.config.proxy), 'finals=full'))}"


def saturation_warning(run: Run) -> Iterator[str]:
    """Yield a warning if the run is over and all its complete trials, five or more, have the same accuracy."""
    accuracies = {trial.result.accuracy for trial in run.ranked if trial.result}
    if run.over and len(run.ranked) >= _SATURATED and len(accuracies) == 1:
        yield _saturated(run, "costs alone")


def single_trainings_text(run: Run) -> Iterator[str]:
    """Yield one line on the noise of a finished search without finals, if it has two complete trials or more.

    The size of the noise is estimated from the number of validation images, and omitted if that number is unknown.
    """
    if not run.over or run.agenda.finalists or len(run.ranked) < 2:
        return
    images = run.effective_images
    points = f"; differences under {100 * chance(images):.0f} points may be chance" if images else ""
    single = "each network has one training, since there were no finals"
    yield f"noise: {single if run.config.proxy.epochs else UNTRAINED}{points}"


def _saturated(run: Run, decided: str) -> str:
    return (
        "warning: all trials have the same accuracy, so the proxy does not distinguish them:"
        f" {decided} decided; try {', '.join(_more_spread(run))}"
    )


def _less_noise(proxy: Proxy) -> Iterator[str]:
    """Yield settings that make the accuracies of a proxy less noisy."""
    yield f"proxy.epochs={max(1, 2 * proxy.epochs)}"
    if proxy.images:
        yield "proxy.images=null"
    yield _validation(proxy)


def _more_spread(run: Run) -> Iterator[str]:
    """Yield settings that make equal accuracies differ."""
    proxy, best = run.config.proxy, run.ranked[0].result
    # Guessing between two classes gives an accuracy of 0.5. If all accuracies are equal and at most 0.5, nothing was
    # learned. If they are equal and higher, the images are too easy.
    if best and best.accuracy <= 0.5:
        yield from _less_noise(proxy)
        return
    if proxy.epochs > 1:
        yield f"fewer epochs (proxy.epochs={proxy.epochs // 2})"
    yield _validation(proxy)
    yield "harder data"


def _validation(proxy: Proxy) -> str:
    return "proxy.validation_images=null" if proxy.validation_images else "more images to validate on"


def unfinished_text(run: Run) -> Iterator[str]:
    """Yield a line on finals without a verdict that have begun or are due: their progress, or that all failed."""
    agenda = run.agenda
    if not agenda.finalists or not (run.searched or any(trial.final_trainings for trial in run.trials)):
        return
    total = len(agenda.trainings)
    if agenda.left:
        yield (
            f"finals: {total - agenda.left} of {total} trainings of the best {len(agenda.finalists)} with fresh"
            " seeds; until they are finished, the highest reward wins"
        )
    else:
        reasons = [training.reason for trial in agenda.finalists for training in trial.final_trainings]
        yield f"finals: all {total} trainings of the best failed, the last: {reasons[-1]}"
