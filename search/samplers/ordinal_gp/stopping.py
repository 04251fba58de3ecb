"""Early stopping of a search: no remaining network is expected to beat the best by more than 1 % of the noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from search.samplers.base import Observation

MIN_GAIN = 0.01
"""The smallest expected improvement that is worth a trial, in standard deviations of the noise between two trainings
of a network."""
MIN_MODEL_RESULTS = 32
"""The number of results that a search needs, in addition to its `startup` trials, before it may stop early."""
STEP, CHECKS = 8, 2
"""The number of results between two checks, and the number of successive checks below MIN_GAIN that end a search."""
REASON = (
    f"early stop: no remaining network is expected to beat the best by more than {MIN_GAIN:.0%} of the seed-to-seed "
    "noise. To continue, launch a search with the same settings and from=RUN sampler.early_stop=false"
)


class EarlyStopping:
    """The rule by which a search ends early: after `CHECKS` successive checks with an expected gain below `MIN_GAIN`.

    The gain is checked every `STEP` results. The rule depends only on the history, so a resumed search ends at the
    same trial.
    """

    def __init__(self, expected_gain: Callable[[Sequence[Observation]], float], startup: int) -> None:
        """Prepare the rule.

        expected_gain: a function that returns the largest expected improvement after a history, in standard
        deviations of the noise. startup: the number of trials at the beginning that are proposed without a model.
        The first check comes `MIN_MODEL_RESULTS` results later, at a multiple of `STEP`.
        """
        self._expected_gain, self._first_check = expected_gain, startup + MIN_MODEL_RESULTS
        self._gains: dict[int, tuple[Sequence[Observation], float]] = {}
        """For each number of results checked: the history until then, and its expected gain."""

    def reached(self, history: Sequence[Observation]) -> bool:
        """Return True if the search must end."""
        results = sum(trial.reward is not None for trial in history)
        latest = results // STEP * STEP
        if latest < self._first_check:
            return False
        return all(self._gain(latest - STEP * back, history) < MIN_GAIN for back in range(CHECKS))

    def _gain(self, results: int, history: Sequence[Observation]) -> float:
        """Return the largest expected improvement after the first `results` results."""
        until = _first(history, results)
        known = self._gains.get(results)
        if known is None or known[0] != until:
            # Older checks are never needed again.
            self._gains = {
                count: gain for count, gain in self._gains.items() if count > results - STEP * CHECKS
            }
            self._gains[results] = until, self._expected_gain(until)
        return self._gains[results][1]


def _first(history: Sequence[Observation], results: int) -> Sequence[Observation]:
    """Return the finished trials of `history` up to the one with the `results`-th reward."""
    trials: list[Observation] = []
    for trial in history:
        if trial.rejected or not trial.finished:
            continue
        if not results:
            break
        trials.append(trial)
        results -= trial.reward is not None
    return trials
