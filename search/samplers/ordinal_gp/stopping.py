"""When a search is over: nothing that is left is expected to beat the best by more than a part of the noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from search.samplers.base import Observation

WORTH = 0.01
"""Of the noise, its standard deviation from one training of a network to the next, the least improvement that is
worth a trial."""
LEAST = 32
"""Results that proposals of the model must have had before a search can be over."""
STEP, CHECKS = 8, 2
"""It is checked every STEP results, and over where CHECKS checks in a row say so."""
REASON = (
    "no network left is worth a trial: none is expected to beat the best by more than "
    f"{WORTH:.0%} of the noise from seed to seed; a launch with from=RUN sampler.early_stop=false goes on"
)


class Ending:
    """Watches what is still to be expected. It follows from the history alone, so a resumed search ends as well."""

    def __init__(self, expected: Callable[[Sequence[Observation]], float], startup: int) -> None:
        """expected: the greatest improvement to be expected after a history, in standard deviations of the noise.

        startup: results that had no model.
        """
        self._expected, self._first = expected, startup + LEAST
        self._known: dict[int, tuple[Sequence[Observation], float]] = {}
        """What was expected after so many results, with the history until then."""

    def reached(self, history: Sequence[Observation]) -> bool:
        """Whether the search is over."""
        results = sum(trial.reward is not None for trial in history)
        latest = results // STEP * STEP
        if latest < self._first:
            return False
        return all(self._after(latest - STEP * back, history) < WORTH for back in range(CHECKS))

    def _after(self, results: int, history: Sequence[Observation]) -> float:
        until = _first(history, results)
        known = self._known.get(results)
        if known is None or known[0] != until:
            # Of earlier checks the next ones need these.
            self._known = {
                count: each for count, each in self._known.items() if count > results - STEP * CHECKS
            }
            self._known[results] = until, self._expected(until)
        return self._known[results][1]


def _first(history: Sequence[Observation], results: int) -> Sequence[Observation]:
    """The trials with the first so many results, and those with none among them that are over."""
    found: list[Observation] = []
    for trial in history:
        if trial.number < 0 or not trial.finished:
            continue
        if not results:
            break
        found.append(trial)
        results -= trial.reward is not None
    return found
