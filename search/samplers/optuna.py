"""Optuna's samplers as a `Sampler`: Gaussian process, tree-structured Parzen estimator, random.

An Optuna study in memory is filled from the history, and is only used to ask for proposals. Every proposal gets a new
sampler with its own seed, so proposals do not depend on the hidden state of a random generator.
"""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from search.samplers.base import Observation, Partial, Permits, Sampler, every_network
from space import Choice, Point, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler


SLOW_TPE = 1000
"""The number of trials from which on TPE takes 0.04 s or more per proposal, so it is asked only once per trial."""


class OptunaSampler(Sampler):
    """The base class of the samplers that are implemented by Optuna."""

    multi_objective: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    """True if its proposals depend on the history."""

    @abstractmethod
    def optuna(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler with these options and `seed`."""

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> OptunaProposer:
        return OptunaProposer(space.choices, self.optuna, learns=self.learns, objectives=objectives)


class OptunaGP(OptunaSampler):
    """Optuna's GPSampler, for up to a few hundred trials; 0.1 to 1 s per proposal."""

    startup: int = Field(default=8, ge=1)
    """The number of first trials drawn at random, without a model."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def optuna(self, seed: int) -> BaseSampler:
        from optuna.samplers import GPSampler

        return GPSampler(seed=seed, n_startup_trials=self.startup, deterministic_objective=False)


class TPE(OptunaSampler):
    """Optuna's TPESampler, multivariate with one objective, for thousands of trials.

    A proposal takes 0.03 s after 100 trials and 0.12 s after 3,000.
    """

    startup: int = Field(default=10, ge=1)
    """The number of first trials drawn at random, without a model."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def attempts(self, trials: int) -> int:
        return self.max_attempts if trials < SLOW_TPE else 1

    def optuna(self, seed: int) -> BaseSampler:
        from optuna.samplers import TPESampler

        return TPESampler(seed=seed, n_startup_trials=self.startup)


class Random(OptunaSampler):
    """A sampler that draws every option of a choice with equal probability, as a baseline for the other samplers."""

    # Drawing again, instead of moving to a neighbour, keeps the draws uniform over the permitted networks.
    max_attempts: ClassVar[int] = 1000
    learns: ClassVar[bool] = False

    @property
    def random_until(self) -> int | None:
        return None

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> OptunaProposer:
        return super().proposer(space)

    def optuna(self, seed: int) -> BaseSampler:
        from optuna.samplers import RandomSampler

        return RandomSampler(seed=seed)


class OptunaProposer:
    """A proposer that asks an Optuna study. If the sampler learns, the study is filled from the history."""

    def __init__(
        self,
        choices: Sequence[Choice],
        sampler: Callable[[int], BaseSampler],
        *,
        learns: bool = True,
        objectives: int = 1,
    ) -> None:
        """Prepare an empty study.

        learns: True if the sampler learns from the history. objectives: 1 to maximise the reward; more to minimise
        the objectives of the observations.
        """
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
        self._multi_objective = objectives > 1
        self._begin()

    def _begin(self) -> None:
        """Replace the study by an empty one."""
        import optuna

        self._study = optuna.create_study(directions=self._directions, sampler=self._sampler(0))
        self._added: dict[int, tuple[int, bool]] = {}
        """For each trial number: the trial's number in the study, and True if the trial is finished there."""
        self._next = 0
        """The number of the study's next trial. It is counted here, since listing a study's trials copies them."""
        self._pruned: dict[int, int] = {}
        """The epochs of the last training of each pruned trial, by trial number."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
        from optuna.trial import TrialState
        from threadpoolctl import threadpool_limits

        # A pruned trial of a study cannot change. If such a trial has been trained further, the study is filled anew.
        if self._pruned and any(self._changed_rung(observation) for observation in history):
            self._begin()
        self._update(history if self._learns else ())
        for observation in history if self._learns else ():
            if not observation.rejected:
                self._follow(observation)
        self._study.sampler = sampler = self._sampler(seed)
        if self._learns:
            # Every trial has every choice. Optuna would learn that by comparing all trials at every proposal.
            sampler.infer_relative_search_space = (  # type: ignore[method-assign]
                lambda study, trial: self._shared
            )
        # The matrices are small. With one thread per core beside busy workers, a proposal took 50 times as long.
        one_thread = threadpool_limits(limits=1) if self._learns else nullcontext()
        with one_thread, warnings.catch_warnings():
            # Optuna warns of its experimental features, about which a user of this package can do nothing.
            warnings.simplefilter("ignore")
            trial = self._study.ask(self._distributions)
            self._next = trial.number + 1
        # The engine decides whether the proposal is tried. If it is, it comes back in the history.
        self._study.tell(trial.number, state=TrialState.FAIL)
        params = trial.params  # a deep copy on every access
        return tuple(int(params[name]) for name in self._distributions)

    def _update(self, history: Sequence[Observation]) -> None:
        """Replace the values of the study's complete trials by those of the history, which can differ at every call.

        With older values, a proposal would depend on earlier histories. Optuna cannot change a finished trial, and
        filling the study anew takes seconds for thousands of trials, so its stored trials are changed directly.
        """
        trials = self._study.get_trials(deepcopy=False)
        for observation in history:
            place, finished = self._added.get(observation.number, (0, False))
            values = self._values(observation)
            if finished and values is not None and not observation.rejected:
                trials[place].values = values

    def _follow(self, observation: Observation) -> None:
        """Add the trial to the study, or update it if the study has it already."""
        if partial := _pruned(observation):
            return self._add_pruned(observation, partial)
        known = self._added.get(observation.number)
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
            self._added[observation.number] = self._next, observation.finished
            self._next += 1
        else:
            self._study.tell(known[0], values, state=finished)
            self._added[observation.number] = known[0], True

    def _add_pruned(self, observation: Observation, partial: Partial) -> None:
        """Add a pruned trial, which Optuna ranks below complete trials, by its epochs and then by its reward."""
        from optuna.trial import TrialState, create_trial

        if observation.number in self._pruned:
            return
        self._pruned[observation.number] = partial.epochs
        if known := self._added.pop(observation.number, None):
            self._study.tell(known[0], state=TrialState.FAIL)
        if self._multi_objective:
            return  # Optuna's studies with several objectives have no pruned trials.
        self._study.add_trial(
            create_trial(
                state=TrialState.PRUNED,
                params=dict(zip(self._distributions, observation.point, strict=True)),
                distributions=self._distributions,
                intermediate_values={partial.epochs: partial.reward},
            )
        )
        self._next += 1

    def _changed_rung(self, observation: Observation) -> bool:
        """Return True if the trial is pruned in the study, but has been trained further since then."""
        if observation.rejected or observation.number not in self._pruned:
            return False
        partial = _pruned(observation)
        return partial is None or partial.epochs != self._pruned[observation.number]

    def _values(self, observation: Observation) -> list[float] | None:
        """Return the study's values of a trial; None if it failed or still runs."""
        if observation.reward is None:
            return None
        if not self._multi_objective:
            return [observation.reward]
        error, *costs = observation.objectives
        # Logarithms, since costs are compared by their ratios, as in the reward.
        return [error, *map(math.log, costs)]


def _pruned(observation: Observation) -> Partial | None:
    """Return the result of a trial that is pruned; None for any other trial."""
    return observation.partial if observation.finished and observation.reward is None else None


def distribution(choice: Choice) -> BaseDistribution:
    """Return Optuna's distribution of option indices: integers if the options have an order, else categories."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    count = len(choice.options)
    return IntDistribution(0, count - 1) if choice.ordered else CategoricalDistribution(range(count))
