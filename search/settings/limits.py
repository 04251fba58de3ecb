"""The YAML group `limit`: limits on the costs of a network, such as `limit.params=200k limit.step=300ms`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from space.architecture import Architecture
from space.cost.table import BATCH, COSTS, EXACT, PREDICTED


class Limits(BaseModel):
    """The YAML group `limit`. A network that exceeds a limit is never trained.

    The limits apply to the full network, not to the smaller one that a proxy trains instead. Amounts are in the units
    of `space.cost.table`: counts, bytes and milliseconds. None: no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    params: int | None = None
    size: int | None = None
    """The largest permitted number of bytes of the weights."""
    macs: int | None = None
    activations: int | None = None
    memory: int | None = None
    """The largest permitted number of bytes of weights, gradients, moments and saved maps in a training of the full
    network on `batch` images. The true peak is higher, see `space.cost.memory`."""
    step: float | None = None
    """The largest permitted number of milliseconds of a training step, as the profile of step times predicts it."""
    latency: float | None = None
    """The largest permitted number of milliseconds of an inference, as the profile of latencies predicts it."""
    batch: int = Field(default=BATCH, ge=1)
    """The number of images in the training batch that `memory` is computed for."""

    @field_validator(*COSTS, mode="before")
    @classmethod
    def _amount(cls, value: Any, info: ValidationInfo) -> Any:
        return None if value is None else COSTS[str(info.field_name)].parse(value)

    @property
    def exact(self) -> Iterator[tuple[str, int]]:
        """The limits that are set on costs known from the architecture alone, each with the name of its cost."""
        for name in EXACT:
            if (limit := getattr(self, name)) is not None:
                yield name, limit

    @property
    def predicted(self) -> Iterator[tuple[str, float]]:
        """The limits that are set on costs that a device's profile predicts, each with the name of its cost."""
        for name in PREDICTED:
            if (limit := getattr(self, name)) is not None:
                yield name, limit

    def exceeded(self, network: Architecture, times: Mapping[str, float] = MappingProxyType({})) -> str:
        """Return a text that names the limit that `network` exceeds, "" if it keeps all limits.

        times: the milliseconds of the predicted costs that are known, by the names of the costs. Limits on other
        predicted costs are not checked.
        """
        for name, limit in self.exact:
            compute = COSTS[name].compute
            value = compute(network, self.batch) if compute else 0
            if value > limit:
                return f"{name} {value:,} > limit.{name} {limit:,}"
        for name, most in self.predicted:
            if times.get(name, 0.0) > most:
                return f"{name} {COSTS[name].text(times[name])} > limit.{name} {most:g} ms"
        return ""


NONE = Limits()
"""The limits of a search without limits."""
