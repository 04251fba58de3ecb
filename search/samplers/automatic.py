"""The choice between models that a user need not make: few trials are modelled closely, thousands quickly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from search.samplers.base import Observation, Proposer, Sampler
from search.samplers.optuna import GaussianProcess, ParzenTrees
from search.samplers.ordinal_gp import OrdinalProcess
from space import Architecture, Choice, Point, Space


class Automatic(Sampler):
    """`ordinal_gp` for the first trials, `tpe` for all after them."""

    stratified: ClassVar[bool] = True

    startup: int = Field(default=8, ge=1)
    """Trials spread evenly over sizes before a model is asked."""
    until: int = Field(default=500, ge=1)
    """Trials up to which the Gaussian process proposes. Its work grows with the cube of their number."""
    early_stop: bool = False
    """Whether the Gaussian process ends the search where nothing that it could propose is worth more than noise."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def proposer(self, choices: Sequence[Choice]) -> Changing:
        return Changing(self._process.proposer(choices), self._trees.proposer(choices), self.until)

    def within(self, space: Space, permits: Callable[[Architecture], bool]) -> Changing:
        return Changing(self._process.within(space, permits), self._trees.within(space, permits), self.until)

    def compromising(self, choices: Sequence[Choice], objectives: int) -> Changing:
        process = GaussianProcess(sampler="gp", startup=self.startup)  # ours has one objective
        first, after = (model.compromising(choices, objectives) for model in (process, self._trees))
        return Changing(first, after, self.until)

    def asked(self, trials: int) -> int:
        return (self._process if trials < self.until else self._trees).asked(trials)

    @property
    def _process(self) -> OrdinalProcess:
        most = max(2, self.until)
        return OrdinalProcess(
            sampler="ordinal_gp", startup=self.startup, most=most, early_stop=self.early_stop
        )

    @property
    def _trees(self) -> ParzenTrees:
        return ParzenTrees(sampler="tpe")


@dataclass(frozen=True, slots=True)
class Changing:
    """`first` up to `until` trials, `after` from then on."""

    first: Proposer
    after: Proposer
    until: int

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`."""
        begun = sum(trial.number >= 0 for trial in history)
        return (self.first if begun < self.until else self.after).propose(history, seed)
