"""The contract of samplers: `SAMPLER_CONTRACT`, the checks that every sampler must pass."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from search.config import Config
from search.engine.proposals import Proposal, Sampled
from search.proxy.evaluate import Request
from search.samplers import Observation, Partial, Sampler
from search.testing.evaluations import looked_up
from search.trials.records import Record, State
from search.trials.trial import Trial, trial_from_record
from space import Space, UserError


def inside_the_space(sampler: Sampler) -> None:
    """Check that the sampler proposes points of the space, whatever the history."""
    space = _space()
    proposer = sampler.proposer(space)
    history: list[Observation] = []
    for number in range(15):
        point = proposer.propose(history, number)
        assert len(point) == len(space.choices)
        assert all(0 <= i < len(c.options) for i, c in zip(point, space.choices, strict=True))
        history.append(_observed(number, point))


def seeded(sampler: Sampler) -> None:
    """Check that the same history and seed give the same proposal.

    Ten seeds must give different proposals if `Sampler.random` is True, and the same proposal if it is False.
    """
    space = _space()
    history = _history(space, 12)
    once, again = (sampler.proposer(space).propose(history, 7) for _ in range(2))
    assert once == again
    fresh = {sampler.proposer(space).propose([], seed) for seed in range(10)}
    assert (len(fresh) > 1) == sampler.random


def resumable(sampler: Sampler) -> None:
    """Check that a new proposer and one that has seen the whole history propose the same point."""
    space = _space()
    lasting = sampler.proposer(space)
    history: list[Observation] = []
    for number in range(14):
        point = lasting.propose(history, number)
        assert point == sampler.proposer(space).propose(history, number)
        if history:
            history[-1] = _observed(number - 1, history[-1].point)
        # The engine estimates the rewards of all trials anew after every result.
        history = [
            seen
            if seen.reward is None
            else replace(seen, reward=seen.reward * (1 + seen.number * number % 5))
            for seen in history
        ]
        history.append(Observation(number, point, None, finished=False))


def climbs(sampler: Sampler) -> None:
    """Check that pruned trials can be trained further.

    A new proposer must propose the same as a proposer that saw these trials pruned before. The check fails if a
    proposer takes an earlier result for the reward of a full training, or for a final failure.
    """
    space = _space()
    lasting = sampler.proposer(space)
    history = _history(space, 12)
    whole = list(history)
    for number in range(4, 12):
        seen = history[number]
        assert seen.reward is not None
        expected = (seen.reward, 0.5) if number % 2 else (None, None)
        history[number] = replace(
            seen, reward=None, objectives=(), partial=Partial(1, seen.reward, *expected)
        )
    for number in range(4, 12):
        assert lasting.propose(history, number) == sampler.proposer(space).propose(history, number)
        history[number] = replace(history[number], finished=False)
        assert lasting.propose(history, number) == sampler.proposer(space).propose(history, number)
        history[number] = whole[number]
    assert lasting.propose(whole, 3) == sampler.proposer(space).propose(whole, 3)


def tolerant(sampler: Sampler) -> None:
    """Check that the sampler accepts failures, running trials and many duplicates of one network."""
    space = _space()
    first = next(space.points())
    history = [_observed(number, first) for number in range(10)]
    history += [Observation(10 + n, first, None, finished=True) for n in range(5)]
    history += [Observation(15 + n, first, None, finished=False) for n in range(3)]
    assert len(sampler.proposer(space).propose(history, 0)) == len(space.choices)


def searches(sampler: Sampler) -> None:
    """Check that all networks of a search with failures and running trials are different and within its limit."""
    settings = {"space": "tiny_space", "reward": "effnet", "limit.params": 5000, "trials": 25}
    config = replace(Config.of(settings), sampler=sampler)
    proposals = Sampled(config)
    trials: list[Trial] = []
    for number in range(24):
        proposal = proposals.next(trials)
        if number == 20:
            assert proposal == Sampled(config).next(trials)
        assert proposal is not None
        trials.append(_trial(config, number, proposal))
    assert len({trial.architecture for trial in trials}) == len(trials)
    assert not any(map(config.limit.exceeded, (trial.architecture for trial in trials)))


def compromises(sampler: Sampler) -> None:
    """Check that proposals for two objectives are repeatable, or that the sampler refuses them with `UserError`."""
    space = _space()
    if not sampler.multi_objective:
        try:
            sampler.check_objectives(2)
        except UserError as error:
            assert "reward=pareto" in str(error)  # noqa: PT017 - the error itself is tested
            return
        raise AssertionError("check_objectives(2) must raise UserError")
    sampler.check_objectives(2)
    proposers = [sampler.proposer(space, objectives=2) for _ in range(2)]
    once, again = (proposer.propose(_history(space, 12), 7) for proposer in proposers)
    assert once == again
    assert space.at(once)


SAMPLER_CONTRACT: Sequence[Callable[[Sampler], None]] = (
    inside_the_space,
    seeded,
    resumable,
    climbs,
    tolerant,
    searches,
    compromises,
)
"""The checks for every sampler."""


def _space() -> Space:
    return Space.load("tiny_space")


def _observed(number: int, point: tuple[int, ...]) -> Observation:
    error, spent = float(sum(point)), float(sum(point[::2]))
    return Observation(number, point, -error - spent, finished=True, objectives=(error, 1 + spent))


def _trial(config: Config, number: int, proposal: Proposal) -> Trial:
    """Return a trial for the proposal. Every fifth trial has failed, and those after number 20 are running."""
    state: State = "running" if number > 20 else "failed" if number % 5 == 3 else "complete"
    network = proposal.architecture
    request = Request(number, 1, str(network), config.proxy, config.data, proposal.seed)
    result = looked_up(request, lambda epoch, loss: None) if state == "complete" else None
    return trial_from_record(
        Record(
            number, network.digest, str(network), 0, proposal.point, state, 1, "", 0.0, float(number), result
        ),
        config.reward,
        config.reference,
    )


def _history(space: Space, count: int) -> list[Observation]:
    rng = random.Random(3)
    return [_observed(number, space.sample(rng)) for number in range(count)]
