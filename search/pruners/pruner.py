"""The YAML group `pruner`: the rule by which networks are compared in shorter trainings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.pruners.gate import MIN_PILOTS
from search.pruners.rungs import Ladder

MAX_RUNGS = 3
"""The largest number of rungs. Much shorter trainings rank badly, and each rung trains all pilot networks again."""
MANY_TRIALS = ("random", "evolution")
"""The samplers that need hundreds of networks, most of which do not deserve the full training."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The properties of a search that pruners depend on.

    epochs: the epochs of the full proxy training. trials: the number of trials, None where only a budget ends the
    search. workers: the number of trainings at a time. sampler: the name of the sampler. multi_objective: True if
    the search is for a Pareto front. inherits: True if networks start from trained weights, so that the lowest
    rung can have 0 epochs.
    """

    epochs: int
    trials: int | None
    workers: int
    sampler: str
    multi_objective: bool = False
    inherits: bool = False


class Pruner(BaseModel, ABC):
    """A rule that decides for how many epochs networks are trained: which shorter trainings precede the full one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pruner: str
    """The key in `PRUNERS`."""

    @abstractmethod
    def ladder(self, workload: Workload) -> Ladder:
        """Return the rungs of a search with this workload, before any result is known."""

    def decided(self, workload: Workload) -> Pruner:
        """Return the pruner that a search with this workload keeps, even if it is resumed with other settings."""
        return self


class NoPruner(Pruner):
    """A pruner without rungs: every network gets the full training."""

    def ladder(self, workload: Workload) -> Ladder:
        return Ladder((workload.epochs,), multi_objective=workload.multi_objective)


class SuccessiveHalving(Pruner):
    """The asynchronous successive halving of ASHA (Li et al. 2020), by promotion: no training is ever stopped."""

    eta: int = Field(default=3, ge=2, le=100)
    """The factor between rungs: the best 1/eta of a rung's networks are trained at the next one, for eta times the
    epochs."""
    gate: int = Field(default=12, ge=0, le=1000)
    """The number of pilot networks, trained at all rungs to decide which rungs are used; 0: all rungs are used,
    unchecked."""
    min_correlation: float = Field(default=0.7, ge=-1, le=1)
    """A rung is used if the lower confidence bound of its rank correlation with the full training reaches this."""

    @field_validator("gate")
    @classmethod
    def _enough(cls, value: int) -> int:
        if 0 < value < MIN_PILOTS:
            raise ValueError(
                f"fewer than {MIN_PILOTS} networks decide nothing; give 0, or {MIN_PILOTS} or more"
            )
        return value

    def ladder(self, workload: Workload) -> Ladder:
        return Ladder(
            epochs=rung_epochs(workload.epochs, self.eta, inherits=workload.inherits),
            eta=self.eta,
            pilots=self.gate,
            min_correlation=self.min_correlation,
            multi_objective=workload.multi_objective,
        )


class Automatic(SuccessiveHalving):
    """The successive halving of `asha` where it is expected to save more than it costs (`pays`), else no rungs."""

    epochs: int = Field(default=10, ge=1)
    """The number of epochs of the proxy below which there are no rungs."""
    trials: int = Field(default=50, ge=1)
    """The number of trials below which there are no rungs. A search that only a budget ends has no rungs either."""
    workers: int = Field(default=16, ge=1)
    """The number of workers from which on there are rungs with every sampler. With fewer workers there are rungs only
    if the sampler is one of `MANY_TRIALS` or the proxy has at least twice `epochs`."""

    def ladder(self, workload: Workload) -> Ladder:
        return self.decided(workload).ladder(workload)

    def decided(self, workload: Workload) -> Pruner:
        if not self.pays(workload):
            return NoPruner(pruner="none")
        return SuccessiveHalving(
            pruner="asha", eta=self.eta, gate=self.gate, min_correlation=self.min_correlation
        )

    def pays(self, workload: Workload) -> bool:
        """Return True if rungs are expected to save more than the pilot networks cost.

        In simulations with a Gaussian process, good rungs saved a tenth of the epochs, and bad rungs added a fifth to
        a half.
        """
        if workload.epochs < self.epochs or (workload.trials or 0) < self.trials:
            return False
        return (
            workload.workers >= self.workers
            or workload.sampler in MANY_TRIALS
            or workload.epochs >= 2 * self.epochs
        )


def rung_epochs(epochs: int, eta: int, *, inherits: bool = False) -> tuple[int, ...]:
    """Return the epochs of every rung, ascending: (1, 3, 9) for 9 epochs and eta 3.

    There are up to `MAX_RUNGS` rungs. Each has 1 / eta of the epochs of the next rung, rounded down. inherits: True
    for a lowest rung of 0 epochs: (0, 3, 9).
    """
    ladder = [epochs]
    while len(ladder) < MAX_RUNGS - inherits and ladder[0] // eta:
        ladder.insert(0, ladder[0] // eta)
    return (0, *ladder) if inherits and ladder[0] else tuple(ladder)
