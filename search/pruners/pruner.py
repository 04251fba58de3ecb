"""The YAML group `pruner`: whether networks climb rungs in a search, and which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.pruners.rungs import Ladder

if TYPE_CHECKING:
    from search.config import Config

FEWEST = 8
"""Networks below which their order at two rungs says nothing of the rungs."""
MOST = 3
"""Rungs: what is far below the whole training ranks badly, and costs the gate."""
PATIENT = ("random", "evolution")
"""Samplers that need hundreds of networks, most of which are not worth a whole training."""


class Pruner(BaseModel, ABC):
    """Decides at which rungs the networks of a search are trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pruner: str
    """The key in `PRUNERS`."""

    @abstractmethod
    def ladder(self, config: Config) -> Ladder:
        """The rungs of the search `config`, in which the first results have not been seen."""

    def decided(self, config: Config) -> Pruner:
        """What it is in the search `config`, whatever becomes of that search's settings later."""
        return self


class Off(Pruner):
    """Every network gets the whole training."""

    def ladder(self, config: Config) -> Ladder:
        return Ladder((config.proxy.epochs,))


class SuccessiveHalving(Pruner):
    """Asynchronous successive halving (Li et al. 2020), by promotion: no training is ever stopped."""

    eta: int = Field(default=3, ge=2, le=100)
    """One in so many goes on from a rung to the next, which has so many times the epochs."""
    gate: int = Field(default=12, ge=0, le=1000)
    """The first networks, which run all rungs and so decide which are used; 0: all are, unseen."""
    least: float = Field(default=0.7, ge=-1, le=1)
    """A rung is used from this lower bound on of its rank correlation with the last."""

    @field_validator("gate")
    @classmethod
    def _enough(cls, value: int) -> int:
        if 0 < value < FEWEST:
            raise ValueError(f"a gate has 0 networks, or {FEWEST} and more: fewer say nothing")
        return value

    def ladder(self, config: Config) -> Ladder:
        return Ladder(rungs(config.proxy.epochs, self.eta), self.eta, 1, self.gate, self.least)


class Hyperband(SuccessiveHalving):
    """Successive halving of which a part begins at each rung (Li et al. 2018), in case the lowest mislead."""

    def ladder(self, config: Config) -> Ladder:
        epochs = rungs(config.proxy.epochs, self.eta)
        return Ladder(epochs, self.eta, len(epochs), self.gate, self.least)


class Automatic(SuccessiveHalving):
    """Successive halving where it can pay, else none: `pays` says where."""

    epochs: int = Field(default=10, ge=1)
    """Of the proxy; with fewer there are no rungs."""
    trials: int = Field(default=50, ge=1)
    """Of the search; with fewer, or where only a budget ends it, there are no rungs."""
    workers: int = Field(default=16, ge=1)
    """From so many on whatever the sampler; below, for `PATIENT` samplers and proxies of twice the epochs."""

    def ladder(self, config: Config) -> Ladder:
        return self.decided(config).ladder(config)

    def decided(self, config: Config) -> Pruner:
        if not self.pays(config):
            return Off(pruner="none")
        return SuccessiveHalving(pruner="asha", eta=self.eta, gate=self.gate, least=self.least)

    def pays(self, config: Config) -> bool:
        """Whether rungs are worth their gate.

        With a Gaussian process good rungs gained a tenth in simulation, and bad ones cost a fifth to a half more.
        """
        epochs = config.proxy.epochs
        if epochs < self.epochs or (config.settings.trials or 0) < self.trials:
            return False
        many = (config.executor.parallel or 1) >= self.workers
        return many or config.sampler.sampler in PATIENT or epochs >= 2 * self.epochs


def rungs(epochs: int, eta: int) -> tuple[int, ...]:
    """The epochs of every rung, from the fewest to all: (1, 3, 9) of 9 by 3."""
    found = [epochs]
    while len(found) < MOST and found[0] // eta:
        found.insert(0, found[0] // eta)
    return tuple(found)
