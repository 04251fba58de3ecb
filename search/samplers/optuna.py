"""Optuna's strategies behind our contract: Gaussian process, tree-structured Parzen estimator, uniform.

The study lives in memory and only proposes; it is filled from the history that it is given. Every question
gets a sampler with a seed of its own, so no hidden state of a generator decides what is proposed.
"""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from search.samplers.base import Observation, Partial, Sampler
from space import Choice, Point

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


_MANY = 1000
"""Trials from which on TPE takes a tenth of a second to answer, and is not asked twice."""


class OptunaSampler(Sampler):
    """A strategy that Optuna has."""

    @abstractmethod
    def optuna(self, seed: int) -> BaseSampler:
        """Optuna's sampler, as these options and the seed have it."""

    def proposer(self, choices: Sequence[Choice]) -> OptunaProposer:
        return OptunaProposer(choices, self.optuna)

    def compromising(self, choices: Sequence[Choice], objectives: int) -> OptunaProposer:
        return OptunaProposer(choices, self.optuna, objectives=objectives)


class GaussianProcess(OptunaSampler):
    """Optuna's GPSampler, for up to a few hundred trials; 0.1 to 1 s a proposal."""

    startup: int = Field(default=8, ge=1)
    """Trials drawn at random before the model is asked."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def optuna(self, seed: int) -> BaseSampler:
        from optuna.samplers import GPSampler

        return GPSampler(seed=seed, n_startup_trials=self.startup, deterministic_objective=False)


class ParzenTrees(OptunaSampler):
    """Optuna's TPESampler, multivariate. Milliseconds a proposal: for thousands of trials."""

    startup: int = Field(default=10, ge=1)
    """Trials drawn at random before the model is asked."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def asked(self, trials: int) -> int:
        return self.patience if trials < _MANY else 1

    def optuna(self, seed: int) -> BaseSampler:
        from optuna.samplers import TPESampler

        return TPESampler(seed=seed, n_startup_trials=self.startup)


class Uniform(OptunaSampler):
    """Every option of every choice with equal probability: the baseline that others have to beat."""

    # Asked again rather than moved to a neighbour, a uniform draw stays uniform over what the limits leave.
    patience: ClassVar[int] = 1000

    @property
    def random_until(self) -> int | None:
        return None

    def proposer(self, choices: Sequence[Choice]) -> OptunaProposer:
        return OptunaProposer(choices, self.optuna, learns=False)

    def compromising(self, choices: Sequence[Choice], objectives: int) -> OptunaProposer:
        return self.proposer(choices)

    def optuna(self, seed: int) -> BaseSampler:
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=seed)


class OptunaProposer:
    """An Optuna study that follows a history, if its sampler learns from one."""

    def __init__(
        self,
        choices: Sequence[Choice],
        sampler: Callable[[int], BaseSampler],
        *,
        learns: bool = True,
        objectives: int = 1,
    ) -> None:
        """objectives: 1: the reward; more: those of the observations, side by side."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._distributions = {choice.name: distribution(choice) for choice in choices}
        self._shared = {
            name: which for name, which in sorted(self._distributions.items()) if not which.single()
        }
        self._sampler, self._learns = sampler, learns
        self._directions: list[Literal["maximize", "minimize"]] = (
            ["maximize"] if objectives == 1 else ["minimize"] * objectives
        )
        self._several = objectives > 1
        self._begin()

    def _begin(self) -> None:
        """An empty study."""
        import optuna

        self._study = optuna.create_study(directions=self._directions, sampler=self._sampler(0))
        self._followed: dict[int, tuple[int, bool]] = {}
        self._next = 0
        """The number of the study's next trial. Asked for its trials, a study copies them all."""
        self._resting: dict[int, int] = {}
        """Of trials that rest at a rung, its epochs."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`."""
        from optuna.trial import TrialState
        from threadpoolctl import threadpool_limits

        # What a study has as pruned stays so, also where it was trained further.
        if self._resting and any(self._moved(observation) for observation in history):
            self._begin()
        for observation in history if self._learns else ():
            self._follow(observation)
        self._study.sampler = sampler = self._sampler(seed)
        if self._learns:
            # Every trial has every choice. Optuna would find that out by comparing all trials, at every question.
            sampler.infer_relative_search_space = (  # type: ignore[method-assign]
                lambda study, trial: self._shared
            )
        # Small matrices: with a thread per core beside busy workers, a proposal took 50 times as long.
        alone = threadpool_limits(limits=1) if self._learns else nullcontext()
        with alone, warnings.catch_warnings():
            # Optuna announces there what is experimental in it; nothing for a user of ours to act on.
            warnings.simplefilter("ignore")
            trial = self._study.ask(self._distributions)
            self._next = trial.number + 1
        # The engine decides what becomes of the proposal; if it is tried it comes back in the history.
        self._study.tell(trial.number, state=TrialState.FAIL)
        params = trial.params  # a deep copy each time that it is asked for
        return tuple(int(params[name]) for name in self._distributions)

    def _follow(self, observation: Observation) -> None:
        if partial := _resting(observation):
            return self._rest(observation, partial)
        known = self._followed.get(observation.number)
        if known and (known[1] or not observation.finished):
            return
        from optuna.trial import TrialState, create_trial

        values = self._values(observation)
        finished = TrialState.FAIL if values is None else TrialState.COMPLETE
        state = finished if observation.finished else TrialState.RUNNING
        if known is None and state == TrialState.FAIL:
            return  # Optuna's models do not learn from failures.
        if known is None:
            params = dict(zip(self._distributions, observation.point, strict=True))
            self._study.add_trial(
                create_trial(state=state, params=params, distributions=self._distributions, values=values)
            )
            self._followed[observation.number] = self._next, observation.finished
            self._next += 1
        else:
            self._study.tell(known[0], values, state=finished)
            self._followed[observation.number] = known[0], True

    def _rest(self, observation: Observation, partial: Partial) -> None:
        """Has the study rank the trial below all complete ones, by its epochs and then by its reward after these."""
        from optuna.trial import TrialState, create_trial

        if observation.number in self._resting:
            return
        self._resting[observation.number] = partial.epochs
        if known := self._followed.pop(observation.number, None):
            self._study.tell(known[0], state=TrialState.FAIL)
        if self._several:
            return  # Optuna has no pruned trials there.
        params = dict(zip(self._distributions, observation.point, strict=True))
        seen = {partial.epochs: partial.reward}
        self._study.add_trial(
            create_trial(
                state=TrialState.PRUNED,
                params=params,
                distributions=self._distributions,
                intermediate_values=seen,
            )
        )
        self._next += 1

    def _moved(self, observation: Observation) -> bool:
        """Whether it rested when the study was told of it, and no longer does, or at another rung."""
        if observation.number not in self._resting:
            return False
        partial = _resting(observation)
        return partial is None or partial.epochs != self._resting[observation.number]

    def _values(self, observation: Observation) -> list[float] | None:
        """What the study is told; None of a trial that failed or still runs."""
        if observation.reward is None:
            return None
        if not self._several:
            return [observation.reward]
        error, *costs = observation.objectives
        # Costs count by their ratios, in the reward too.
        return [error, *map(math.log, costs)]


def _resting(observation: Observation) -> Partial | None:
    """What is known of a trial that rests at a rung; None of any other."""
    return observation.partial if observation.finished and observation.reward is None else None


def distribution(choice: Choice) -> BaseDistribution:
    """Option indices: whole numbers where options have an order, so that models know which are neighbours."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    count = len(choice.options)
    return IntDistribution(0, count - 1) if choice.ordered else CategoricalDistribution(range(count))
