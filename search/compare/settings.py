"""The settings of `search compare` outside the groups `data`, `recipe` and `executor`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from space import CATALOG
from space.catalog import unpublished
from space.cost.table import cost_row

DEFAULTS = "compare", "default"
GROUPS = ("data", "recipe", "executor")


class Settings(BaseModel):
    """The settings of `search compare` outside groups, explained in `experiments/settings/compare/default.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = "small"
    seeds: int = Field(default=3, ge=1, le=1000)
    split: Literal["validation", "test"] = "validation"
    rates: tuple[float, ...] = (0.5, 1.0, 2.0)
    random: int | str | None = None
    networks: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    match: str | None = None
    data: str | None = None
    executor: str = "local"
    out: str | None = None

    @field_validator("networks", "weights", "rates", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if value is None:
            return ()
        if isinstance(value, int | float):
            return (value,)
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("networks", "weights", "rates")
    @classmethod
    def _once(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(dict.fromkeys(value))

    @field_validator("random")
    @classmethod
    def _count(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, int) and value < 0:
            raise ValueError("give a number of networks, 0 for no random search, or the name of a run")
        return value

    @field_validator("networks")
    @classmethod
    def _published(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in CATALOG:
                raise unpublished("network", name)
        return value

    @field_validator("match")
    @classmethod
    def _costs(cls, value: str | None) -> str | None:
        for name in value.split(",") if value else ():
            cost_row(name.strip())
        return value

    @field_validator("rates")
    @classmethod
    def _factors(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or not all(0 < rate <= 100 for rate in value):
            raise ValueError(
                "give factors of the recipe's learning rate, above 0 and up to 100, such as 0.5,1,2"
            )
        return value
