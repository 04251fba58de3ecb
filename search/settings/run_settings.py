"""The settings outside all groups: the amount of work in a run, its starting point and its name."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.settings.quantities import seconds
from space.block_strings import is_blocks

STEPS = ("auto", "profile", "measured")
"""The permitted values of `step`, in addition to the file of a device profile."""


class RunSettings(BaseModel):
    """The settings outside all groups."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: str | None = Field(default=None, max_length=100)
    """The name of the run; None: a name made from the space and the date."""
    trials: int | None = Field(default=20, ge=1)
    """The number of networks to train in all; None: no limit but the budget."""
    budget: float | None = Field(default=None, gt=0)
    """The seconds to work on the run in all; None: no limit."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """The seed of the proposals and of the full trainings. Shorter trainings and finals use seeds near it."""
    first: tuple[str, ...] = ()
    """The networks that are trained before any is proposed. `Config` holds their canonical strings."""
    warm_start: str | None = Field(default=None, alias="from")
    """The names of runs with the same space, proxy and data, separated by commas, whose trials are known from the
    start; None: no runs."""
    weights: str | None = None
    """The trained weights that the networks of the space inherit from, with proxy=finetune: a file of any format that
    `search weights` reads, or the folder of a model."""
    step: str = "auto"
    """The source of step times: "measured" (with each training), "profile" (predicted before the training), "auto" (a
    profile on a GPU of this machine, if a saved one fits, if a limit on the step time needs one, or if measuring one
    is cheap; else measured), or the file of a profile. Ignored if neither the reward nor a limit uses step times."""
    latency: str = "auto"
    """The source of latencies: "auto" (a profile of this device in onnxruntime, one image and one thread), or the
    file of a profile with any conditions. Ignored if neither the reward nor a limit uses latencies."""
    force_step: bool = False
    """True to use a profile's file that was made on another device or with another version."""
    max_failures: int = Field(default=5, ge=1)
    """The number of failures in a row for one reason that stop the run."""

    def document(self) -> dict[str, Any]:
        """Return all settings as plain values that YAML can represent."""
        return self.model_dump(mode="json", by_alias=True)

    @field_validator("run")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            raise ValueError("a name has letters, digits, '.', '_' and '-'; it begins with a letter or digit")
        return value

    @field_validator("seed", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        if isinstance(value, str | list | tuple):
            raise ValueError("a seed is a number; for networks to try first, write first=v2-b0,RUN:12")
        return value

    @field_validator("first", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)

    @field_validator("step")
    @classmethod
    def _step(cls, value: str) -> str:
        if value not in STEPS and not value.endswith(".json"):
            raise ValueError(f"permitted: {', '.join(STEPS)}, or a profile's ./FILE.json")
        return value

    @field_validator("latency")
    @classmethod
    def _latency(cls, value: str) -> str:
        if value != "auto" and not value.endswith(".json"):
            raise ValueError(
                "permitted: auto, or a profile's ./FILE.json; for a limit, write limit.latency=5ms"
            )
        return value

    @field_validator("budget", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        return seconds(value) if isinstance(value, str) else value


KEYS = tuple(field.alias or name for name, field in RunSettings.model_fields.items())
"""The names of these settings as they are written on the command line and in YAML."""


def split(value: object) -> object:
    """Return the parts of a text between commas as a tuple, without empty parts and surrounding blanks; () for None.

    Block strings in a row, which describe one network, are one part. Other values are returned unchanged.
    """
    if isinstance(value, str):
        parts = (part.strip() for part in value.split(",") if part.strip())
        rows = ((blocks, tuple(row)) for blocks, row in groupby(parts, is_blocks))
        return tuple(word for blocks, row in rows for word in ((",".join(row),) if blocks else row))
    return () if value is None else value
