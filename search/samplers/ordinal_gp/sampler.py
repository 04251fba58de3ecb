"""The options of the sampler `ordinal_gp`. Its model is imported only when a search begins."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from search.samplers.base import Permits, Proposer, Sampler, every_network
from space import Space


class OrdinalGP(Sampler):
    """A Gaussian process with linear and smooth trends over ordinal codes.

    A local search finds the point with the highest expected improvement. `search/README.md` has the numbers of trials
    that this sampler and others need.
    """

    stratified: ClassVar[bool] = True

    startup: int = Field(default=8, ge=1)
    """The number of first trials, which are chosen without a model: published networks of the space (up to half) and
    random ones of all sizes."""
    sizes: bool | Literal["alternate"] = True
    """True if params and MACs may help to predict, as far as the marginal likelihood supports it; alternate: for half
    of the trials only."""
    max_observations: int = Field(default=500, ge=2)
    """The largest number of trials that the model learns from. If there are more, half of them are the best trials,
    and the others are drawn at random from the rest."""
    early_stop: bool = True
    """True to end the search when no remaining network is expected to improve the best by 1 % of the noise; see
    `search.samplers.ordinal_gp.stopping`."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> Proposer:
        from search.samplers.ordinal_gp.candidates import Candidates
        from search.samplers.ordinal_gp.proposer import GPProposer

        return GPProposer(
            Candidates.of(space, permits),
            startup=self.startup,
            sizes=self.sizes,
            max_observations=self.max_observations,
            early_stop=self.early_stop,
        )
