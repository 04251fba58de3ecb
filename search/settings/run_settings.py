"""How much a run does, what it starts from, and under what name."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.settings.quantities import number_or_word, seconds
from space.refusal import UserError

STEPS = ("auto", "profile", "measured")
"""Where step times can be from, besides a profile's file."""


class RunSettings(BaseModel):
    """The settings that stand outside all groups."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: str | None = Field(default=None, max_length=100)
    trials: int | None = Field(default=None, ge=1)
    """Networks to train, in all."""
    budget: float | None = Field(default=None, gt=0)
    """Seconds to work on the run, in all."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of the proposals and of every training."""
    first: tuple[str, ...] = ()
    """Canonical strings of networks that are trained before any is proposed."""
    warm_start: str | None = Field(default=None, alias="from")
    """Names of runs with the same space and proxy, with commas between: their trials are known from the start."""
    step: str = "measured"
    """Where step times are from: "measured", beside each training; "profile", predicted before it; "auto", either;
    or a profile's file. Runs of versions that knew no profiles are measured."""
    force_step: bool = False
    """Whether a profile's file is used that was made on another device or with another version."""
    max_failures: int = Field(default=5, ge=1)
    """Failures in a row for one reason that stop the run."""

    def document(self) -> dict[str, Any]:
        """All settings as plain values, ready for YAML."""
        return self.model_dump(mode="json", by_alias=True)

    @field_validator("run")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            raise ValueError("a name has letters, digits, '.', '_' and '-'; it begins with a letter or digit")
        return value

    @field_validator("step")
    @classmethod
    def _step(cls, value: str) -> str:
        if value not in STEPS and not value.endswith(".json"):
            raise ValueError(f"permitted: {', '.join(STEPS)}, or a profile's ./FILE.json")
        return value

    @field_validator("budget", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        return seconds(value) if isinstance(value, str) else value


KEYS = tuple(field.alias or name for name, field in RunSettings.model_fields.items())
"""What its settings are called where they are written."""


def started(seed: object) -> tuple[object, tuple[str, ...]]:
    """What a search starts from, told apart: the number for its random draws, and names of networks to try first.

    seed: a number, or several words as in "7,v2-b0" or [7, "v2-b0"]. Raises `UserError` for a second number.
    """
    if isinstance(seed, str):
        words: list[object] = [number_or_word(part.strip()) for part in seed.split(",") if part.strip()]
    else:
        words = list(seed) if isinstance(seed, list | tuple) else [seed]
    numbers = [word for word in words if not isinstance(word, str)]
    if len(numbers) > 1:
        raise UserError(f"seed={seed}: one number is for the random draws; what else there is are networks.")
    return (numbers or [0])[0], tuple(word for word in words if isinstance(word, str))
