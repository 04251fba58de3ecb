"""The latencies of a search's answers, measured at its end. An answer over the limit is replaced by the next one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from search.config import Config
from search.engine.engine import Engine
from search.profiles.lookup import like, unmeasurable
from search.trials.answers import answers, eligible
from search.trials.finals import verdict
from search.trials.trial import Trial, ranked
from space import Architecture, decode
from space.cost.table import COSTS

_MOST = 10
"""The largest number of networks that are measured: the answers, and those that take the place of slow ones."""

Measure = Callable[[Architecture], float]
"""A function that returns the measured latency of a network in milliseconds."""


def measure_answers(engine: Engine, note: Callable[[str], None], images: float | None) -> None:
    """Measure the latency of each answer under the conditions of the run's profile of latencies.

    An answer that takes over 2 % more than `limit.latency` is no answer any more, see `search.trials.answers`;
    another trial takes its place and is measured, too, up to `_MOST` networks in all. Nothing is measured without
    such a profile, and where it is of another device. note: a function that receives a line about each measurement,
    or about the other device. images: the effective number of validation images, None if unknown.
    """
    latencies = engine.config.latencies
    if latencies is None or not _unmeasured(engine.config, engine.trials, images):
        return
    profile = latencies.profile
    if why := unmeasurable(profile):
        note(f"Latencies of the answers are not measured: {why}")
        return
    from search.profiles.latency_bench import latency_bench

    with latency_bench(like(profile), decode(profile.reference), profile.reference_ms) as bench:
        measure_with(engine, lambda network: bench.ratio(network) * profile.reference_ms, note, images)


def measure_with(engine: Engine, measure: Measure, note: Callable[[str], None], images: float | None) -> None:
    """Measure answers by `measure` until each has a measured latency, at most `_MOST` networks."""
    limit = engine.config.limit.latency
    for _ in range(_MOST):
        trial = next(iter(_unmeasured(engine.config, engine.trials, images)), None)
        if trial is None or trial.result is None or trial.latency is None:
            return
        ms = measure(trial.architecture)
        engine.on_measured(trial.number, replace(trial.result, latency_ms=ms))
        over = f", {ms / limit - 1:.1%} over the limit" if limit is not None and ms > limit else ""
        text = COSTS["latency"].text
        note(f"trial {trial.number}: latency {text(ms)} measured, {text(trial.latency.ms)} predicted{over}")


def _unmeasured(config: Config, trials: tuple[Trial, ...], images: float | None) -> list[Trial]:
    """Return the answers without a measured latency, each once. images: as in `measure_answers`."""
    order = ranked(trials)
    if not order:
        return []
    finals = verdict(trials, config.finals, config.settings.seed, config.base, config.limit)
    candidates = eligible(finals.standing if finals else (), order, config.limit)
    found = answers(candidates, candidates[0], config.reward, config.limit, images)
    distinct = {trial.number: trial for trial in (found.best, found.most_accurate, found.cheapest)}
    return [trial for trial in distinct.values() if trial.result and trial.result.latency_ms is None]
