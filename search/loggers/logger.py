"""What a logger is: told of trials, and closed at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from search.config import Config
from search.tables.table import plain
from search.trials.columns import row
from search.trials.trial import Trial


@dataclass(frozen=True, slots=True)
class Told:
    """A finished trial in a logger's words. params: of the choices by name; metrics: every number that `search
    export` has; losses: of training, epoch by epoch. A trial that failed has no reward among its metrics.
    """

    number: int
    state: str
    architecture: str
    params: Mapping[str, int | float | str]
    metrics: Mapping[str, float]
    losses: tuple[float, ...]

    @classmethod
    def of(cls, trial: Trial, config: Config) -> Told:
        """What there is to tell of a trial."""
        choices = config.space.choices
        inside = len(choices) == len(trial.point)
        params = {c.name: c.options[i] for c, i in zip(choices, trial.point, strict=True)} if inside else {}
        values = {key: plain(value) for key, value in row(trial).items() if key != "number"}
        metrics = {key: float(value) for key, value in values.items() if type(value) in (int, float)}
        losses = trial.result.curve if trial.result else ()
        return cls(trial.number, trial.state, str(trial.architecture), params, metrics, losses)


class Logger(ABC):
    """Made when a run begins or is resumed. path: the run's folder, whose name is the run's."""

    needs: ClassVar[str] = ""
    """The package that it cannot do without, "" for none."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def finished(self, told: Told) -> None:
        """A trial is complete, failed or answered by an earlier one. May raise: it is then asked no more."""

    def close(self) -> None:
        """The search is over, or interrupted."""
        return
