"""The options of the sampler; what it does is imported when a search begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from search.samplers.base import Sampler
from space import Architecture, Choice, Space

if TYPE_CHECKING:
    from search.samplers.ordinal_gp.proposer import Modelling


class OrdinalProcess(Sampler):
    """A linear and a smooth trend over ordinal codes, the expected improvement climbed. The fewest trials."""

    stratified: ClassVar[bool] = True

    startup: int = Field(default=8, ge=1)
    """Trials spread evenly over sizes before the model is asked."""
    sizes: bool = True
    """Whether params and MACs may help to predict. The marginal likelihood decides how much they do."""
    most: int = Field(default=500, ge=2)
    """Trials that the model learns from: of more than these the best half, the others at random."""
    early_stop: bool = False
    """Whether it ends the search where nothing that it could propose is worth more than noise. Searches that began
    when it could not go on to their totals."""

    @property
    def random_until(self) -> int | None:
        return self.startup

    def proposer(self, choices: Sequence[Choice]) -> Modelling:
        from search.samplers.ordinal_gp.candidates import Terrain
        from search.samplers.ordinal_gp.proposer import Modelling

        return Modelling(self, Terrain.bare(choices))

    def within(self, space: Space, permits: Callable[[Architecture], bool]) -> Modelling:
        from search.samplers.ordinal_gp.candidates import Terrain
        from search.samplers.ordinal_gp.proposer import Modelling

        return Modelling(self, Terrain.of(space, permits))
