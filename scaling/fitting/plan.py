"""The data classes of a fit: its plan, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scaling.base import Base
from scaling.compound import Coefficients
from scaling.fitting.baselines import baselines
from scaling.fitting.design import Design
from scaling.fitting.grid import Candidate, Grid
from scaling.fitting.race import Race, Verdict
from scaling.model import ScaledModel
from search.config import Config
from search.trials.trial import Trial
from space.documents import Document


@dataclass(frozen=True)
class Plan:
    """Everything that is known about a fit before it trains.

    base: the base as the user gave it. config: the configuration of the run; its space is the base with the
    classes and channels of the data. grid: the candidates. images, validation_images: the numbers of images in the
    training split and the validation split, which are approximate before the data are loaded. effective_images: the
    number of validation images that decides how uncertain accuracies are (`search.data.Dataset.effective_images`),
    None before the data are loaded.
    """

    base: Base
    design: Design
    config: Config
    grid: Grid
    images: int
    validation_images: int
    effective_images: float | None = None

    @property
    def adapted_base(self) -> Base:
        """The base with the classes and channels of the data, which is scaled and trained."""
        return Base(self.base.name, self.config.space.at(()))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the trainings, ascending: as many as the design has, from the seed of the settings on."""
        first = self.config.settings.seed
        return tuple(range(first, first + self.design.seeds))

    @property
    def validated(self) -> int:
        """The number of images that the accuracy of a training is measured on."""
        return min(self.config.proxy.validation_images or self.validation_images, self.validation_images)

    def race(self) -> Race:
        """Return the race that proposes the trainings."""
        images = self.validated, self.effective_images
        return Race(self.grid.candidates, self.seeds, self.design.leaders, self.baselines, *images)

    def baselines(self, winner: Candidate) -> tuple[ScaledModel, ...]:
        """Return the networks to compare `winner` with; () if the design has no comparison.

        Raises the errors of `scaling.fitting.baselines.baselines`.
        """
        if not self.design.compare:
            return ()
        return baselines(self.adapted_base, winner.macs, self.design.policy)

    def document(self) -> Document:
        """Return the configuration file of the run, from which the fit can be planned again."""
        base = {"name": self.base.name, "architecture": str(self.base.architecture)}
        about = {"base": base, "design": self.design.document(), "candidates": self.grid.counts}
        return {**self.config.document(), "fit": about}


@dataclass(frozen=True)
class Fitted:
    """A finished fit.

    path: the folder of its run. trials: its trainings. verdict: the finalists and the winner. baselines: the networks
    that the winner was compared with, if any.
    """

    path: Path
    plan: Plan
    trials: tuple[Trial, ...]
    verdict: Verdict
    baselines: tuple[ScaledModel, ...]

    @property
    def winner(self) -> Candidate:
        """The cheapest candidate that is not significantly worse than the best; with one seed, the best."""
        return self.plan.grid.candidates[self.verdict.winner]

    @property
    def coefficients(self) -> Coefficients:
        """The coefficients of the winner."""
        return self.winner.coefficients
