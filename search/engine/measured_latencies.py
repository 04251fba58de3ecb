"""The measurement of the finalists' latencies before the finals, and of the answers' latencies at the end.

A search prefers networks whose latencies its profile underestimates, just as it prefers lucky accuracies. So the best
networks are measured before the finals, and networks over the limit are not trained again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from search.engine.engine import Engine
from search.profiles.lookup import like, unmeasurable
from search.profiles.profile import Profile
from search.trials.answers import answers, eligible
from search.trials.finals import agenda, verdict
from search.trials.trial import Trial, ranked
from space import UserError, decode
from space.cost.table import COSTS

_PER_FINALIST = 3
"""The largest number of networks that are measured before the finals, for each finalist."""
_ANSWERS = 10
"""The largest number of networks that are measured at the end: the answers, and those that replace slow ones."""

Note = Callable[[str], None]
"""A function that receives a line about each measurement, or with the reason why nothing is measured."""


def measure_finalists(engine: Engine, note: Note) -> None:
    """Measure the latencies of the networks that would be trained again, under the conditions of the run's profile.

    A network that exceeds `limit.latency` by over 2 % is replaced by the next best one, which is measured too (see
    `search.trials.finals.agenda`). At most three networks are measured for each finalist. Nothing is measured without
    a latency limit, without a profile of latencies, and if the profile is of another device.
    """
    config = engine.config
    if config.limit.latency is None or config.latencies is None or unmeasurable(config.latencies.profile):
        return  # `measure_answers` reports a profile of another device.

    def finalists() -> Sequence[Trial]:
        finals, seed = config.finals, config.settings.seed
        return agenda(engine.trials, finals, seed, config.base, config.limit).finalists

    _measure(engine, config.latencies.profile, finalists, _PER_FINALIST * len(finalists()), note)


def measure_answers(engine: Engine, note: Note, images: float | None) -> None:
    """Measure the latency of each answer under the conditions of the run's profile of latencies.

    An answer that exceeds `limit.latency` by over 2 % is replaced by another trial, which is measured too (see
    `search.trials.answers`). At most ten networks are measured. Nothing is measured without a profile of latencies,
    and if the profile is of another device; then `note` gets the reason. images: the effective number of validation
    images, None if unknown.
    """
    config = engine.config

    def found() -> Sequence[Trial]:
        order = ranked(engine.trials)
        if not order:
            return []
        finals = verdict(engine.trials, config.finals, config.settings.seed, config.base, config.limit)
        candidates = eligible(finals.standing if finals else (), order, config.limit)
        each = answers(candidates, candidates[0], config.reward, config.limit, images)
        return [each.best, each.most_accurate, each.cheapest]

    if config.latencies is None or not any(map(_unmeasured, found())):
        return
    if why := unmeasurable(config.latencies.profile):
        note(f"Latencies of the answers are not measured: {why}")
        return
    _measure(engine, config.latencies.profile, found, _ANSWERS, note)


def _measure(
    engine: Engine, profile: Profile, wanted: Callable[[], Sequence[Trial]], most: int, note: Note
) -> None:
    """Measure one trial after the other until all of `wanted` have a measured latency, at most `most` networks.

    wanted: a function that returns the trials to measure, given the measurements so far. A measurement that raises
    `UserError`, for instance for lack of memory, is the last one.
    """
    if not any(map(_unmeasured, wanted())):
        return
    from search.profiles.latency_bench import latency_bench

    limit, text = engine.config.limit.latency, COSTS["latency"].text
    try:
        with latency_bench(like(profile), decode(profile.reference), profile.reference_ms) as bench:
            for _ in range(most):
                trial = next(filter(_unmeasured, wanted()), None)
                if trial is None or trial.result is None or trial.latency is None:
                    return
                ms = bench.ratio(trial.architecture) * profile.reference_ms
                engine.on_measured(trial.number, replace(trial.result, latency_ms=ms))
                over = f", {ms / limit - 1:.1%} over the limit" if limit is not None and ms > limit else ""
                predicted = text(trial.latency.ms)
                note(f"trial {trial.number}: latency {text(ms)} measured, {predicted} predicted{over}")
    except UserError as error:
        note(f"No further latency is measured: {error}")


def _unmeasured(trial: Trial) -> bool:
    return trial.result is not None and trial.result.latency_ms is None
