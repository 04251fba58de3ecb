"""The default sampler: a model that learns from few trials, replaced after hundreds of trials by a faster one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from search.samplers.base import Observation, Permits, Proposer, Sampler, every_network
from search.samplers.optuna import TPE, OptunaGP
from search.samplers.ordinal_gp import OrdinalGP
from space import Point, Space


class Automatic(Sampler):
    """The sampler `ordinal_gp` for the first trials, and `tpe` after that.

    With several objectives, `gp` replaces `ordinal_gp`.
    """

    stratified: ClassVar[bool] = True
    multi_objective: ClassVar[bool] = True

    startup: int = Field(default=8, ge=1)
    """The number of first trials, which are chosen without a model: published networks of the space (up to half) and
    random ones of all sizes, or with several objectives random ones only."""
    until: int = Field(default=500, ge=1)
    """The number of trials up to which the Gaussian process proposes. Its work grows with the cube of that number."""
    early_stop: bool = True
    """True to end the search when no remaining network is expected to improve the best by 1 % of the noise; see
    `search.samplers.ordinal_gp.stopping`. It has no effect with several objectives."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> Switching:
        process = OptunaGP(sampler="gp", startup=self.startup) if objectives > 1 else self._process
        first, after = (
            sampler.proposer(space, permits, trials, objectives) for sampler in (process, self._tpe)
        )
        return Switching(first, after, self.until)

    def attempts(self, trials: int) -> int:
        return (self._process if trials < self.until else self._tpe).attempts(trials)

    @property
    def _process(self) -> OrdinalGP:
        return OrdinalGP(
            sampler="ordinal_gp",
            startup=self.startup,
            max_observations=max(2, self.until),
            early_stop=self.early_stop,
        )

    @property
    def _tpe(self) -> TPE:
        return TPE(sampler="tpe")


@dataclass(frozen=True, slots=True)
class Switching:
    """A proposer that asks `first` until the history has `until` trials, and `after` from then on."""

    first: Proposer
    after: Proposer
    until: int

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
        trials = sum(not trial.rejected for trial in history)
        return (self.first if trials < self.until else self.after).propose(history, seed)
