"""The interface of loggers: they receive finished trials, and are closed at the end."""

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
class LoggedTrial:
    """A finished trial as loggers record it.

    params: the option of each choice by the name of the choice; empty for a network outside of the space. metrics:
    all numbers of `search export`; a failed trial has no reward. losses: the training loss of each epoch.
    """

    number: int
    state: str
    architecture: str
    params: Mapping[str, int | float | str]
    metrics: Mapping[str, float]
    losses: tuple[float, ...]

    @classmethod
    def of(cls, trial: Trial, config: Config) -> LoggedTrial:
        """Return `trial` as loggers record it. config: the configuration of its search."""
        choices = config.space.choices
        inside = len(choices) == len(trial.point)
        params = {c.name: c.options[i] for c, i in zip(choices, trial.point, strict=True)} if inside else {}
        values = {key: plain(value) for key, value in row(trial).items() if key != "number"}
        metrics = {key: float(value) for key, value in values.items() if type(value) in (int, float)}
        losses = trial.result.curve if trial.result else ()
        return cls(trial.number, trial.state, str(trial.architecture), params, metrics, losses)


class Logger(ABC):
    """The base class of loggers. A logger is created when a run starts or is resumed.

    path: the folder of the run, whose name is the name of the run.
    """

    needs: ClassVar[str] = ""
    """The package that the logger needs, "" for none."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def finished(self, trial: LoggedTrial) -> None:
        """Record a trial that is complete, failed or a duplicate.

        After an exception the logger gets no more trials, and `close` is not called.
        """

    def close(self) -> None:
        """Close the logger, after the search has ended or was interrupted."""
        return
