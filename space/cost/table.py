"""The table of all costs of a network: their units, the amounts that people type, and the source of each cost.

Rewards, limits, the `--max-*` options, the axes of pages and the columns of tables read their costs here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from space.architecture import Architecture
from space.cost.cost import cost
from space.cost.memory import training_memory
from space.refusal import UserError, unknown_name

CostName = Literal["params", "size", "macs", "activations", "memory", "step", "latency"]

BATCH = 32
"""The number of images in a training batch unless another is given. Of the exact costs, only memory depends on it."""

_NUMBER = r"(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
_COUNT = re.compile(rf"{_NUMBER}\s*([kKMGBT]?)")
_BYTES = re.compile(rf"{_NUMBER}\s*(?:([kKMGT])(i?))?B?")
_TIME = re.compile(rf"{_NUMBER}\s*(us|µs|ms|s|min)?")
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
_BINARY = {"k": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_PER_MILLISECOND = {"us": 1000, "µs": 1000}
_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000}


def count(value: object) -> int:
    """Return the whole number that `value` stands for: 200000, "2e9", "200k", "14M" or "2.5G".

    A number in a text is rounded: "1.5" is 2. Raises `UserError` for a number below 1, for a float with a fraction,
    and for anything that is not such an amount.
    """
    match = _COUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    exact = float(match[1]) * _DECIMAL[match[2].replace("K", "k")] if match else _plain(value)
    if not 1 <= exact < math.inf or (not match and exact != int(exact)):
        raise UserError(
            f"{value!r} is not a valid count; write a number from 1 up, such as 200k, 14M or 2e9."
        )
    return value if type(value) is int else round(exact)


def size(value: object) -> int:
    """Return the bytes that `value` stands for: 500000, "500kB", "2 MiB" or "2GB".

    A number in a text is rounded to whole bytes. Raises `UserError` for less than 1 byte, for a float with a
    fraction, and for anything that is not such an amount.
    """
    match = _BYTES.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        prefix = (match[2] or "").replace("K", "k")
        exact = float(match[1]) * (_BINARY if match[3] else _DECIMAL)[prefix]
    else:
        exact = _plain(value)
    if not 1 <= exact < math.inf or (not match and exact != int(exact)):
        raise UserError(
            f"{value!r} is not a valid size; write bytes, or an amount such as 500kB, 2MiB or 2GB."
        )
    return value if type(value) is int else round(exact)


def milliseconds(value: object) -> float:
    """Return the milliseconds that `value` stands for: 300, "300ms", "5 ms", "0.005s" or "800us".

    Raises `UserError` for anything that is not a time above 0.
    """
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and match[2] in _PER_MILLISECOND:
        exact = float(match[1]) / _PER_MILLISECOND[match[2]]
    else:
        exact = float(match[1]) * _MILLISECONDS[match[2] or "ms"] if match else _plain(value)
    if not 0 < exact < math.inf:
        raise UserError(
            f"{value!r} is not a valid time; write milliseconds, or an amount such as 300ms, 0.3s or 800us."
        )
    return exact


def _plain(value: object) -> float:
    """Return a number without a unit as a float, nan for any other value, and infinity for a huge integer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


@dataclass(frozen=True, slots=True)
class CostRow:
    """A row of the table: one cost of a full network.

    unit: the unit, "B" or "ms", "" for counts. parse: the function that turns a user's amount into a number in that
    unit. known: the source of the cost. "exact" costs are computed from the architecture, "predicted" ones come
    from a device's profile. form: the number format in tables. column, title: the key and the heading in tables.
    meaning: a phrase for help and tables. compute: for an exact cost, the function of (architecture, images in a
    batch) that returns it.
    """

    name: CostName
    unit: str
    parse: Callable[[object], float]
    known: Literal["exact", "predicted"]
    form: str
    column: str
    title: str
    meaning: str
    compute: Callable[[Architecture, int], int] | None = None

    def text(self, value: float) -> str:
        """Return `value` for a sentence: "5,288,548", "21.2 MB" or "301.5 ms"."""
        if self.unit == "ms":
            return f"{value:,.1f} ms" if value >= 10 else f"{value:.3g} ms"
        if self.unit == "B":
            prefix, unit = next(((p, u) for p, u in _SIZES if value >= 0.9995 * u), ("", 1))
            return f"{value / unit:.3g} {prefix}B" if prefix else f"{value:.0f} B"
        return f"{value:,.0f}"


_SIZES = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))

_ROWS = (
    CostRow(
        name="params",
        unit="",
        parse=count,
        known="exact",
        form="si",
        column="params",
        title="Params",
        meaning="trainable parameters of the full network",
        compute=lambda network, batch: cost(network).params,
    ),
    CostRow(
        name="size",
        unit="B",
        parse=size,
        known="exact",
        form="si",
        column="size",
        title="Size",
        meaning="bytes of the weights: 4 per parameter after batch normalisation is folded into convolutions",
        compute=lambda network, batch: cost(network).size,
    ),
    CostRow(
        name="macs",
        unit="",
        parse=count,
        known="exact",
        form="si",
        column="macs",
        title="MACs",
        meaning="multiply-adds of the full network for one image",
        compute=lambda network, batch: cost(network).macs,
    ),
    CostRow(
        name="activations",
        unit="",
        parse=count,
        known="exact",
        form="si",
        column="activations",
        title="Activations",
        meaning="output elements of all convolutions for one image",
        compute=lambda network, batch: cost(network).activations,
    ),
    CostRow(
        name="memory",
        unit="B",
        parse=size,
        known="exact",
        form="si",
        column="memory",
        title="Memory",
        meaning="bytes of weights, gradients, moments and saved maps in a training of the full network",
        compute=training_memory,
    ),
    CostRow(
        name="step",
        unit="ms",
        parse=milliseconds,
        known="predicted",
        form=".1f",
        column="step_ms",
        title="Step",
        meaning="time of one training step of the full network, from the device's profile",
    ),
    CostRow(
        name="latency",
        unit="ms",
        parse=milliseconds,
        known="predicted",
        form=".2f",
        column="latency_ms",
        title="Latency",
        meaning="time of one inference of the full network, from the device's profile",
    ),
)
COSTS: Mapping[str, CostRow] = MappingProxyType({row.name: row for row in _ROWS})
"""The row of each cost by its name."""
EXACT: tuple[str, ...] = tuple(row.name for row in _ROWS if row.known == "exact")
PREDICTED: tuple[str, ...] = tuple(row.name for row in _ROWS if row.known == "predicted")
"""The costs that are not known without a device's profile."""


def cost_row(name: str) -> CostRow:
    """Return the row of `name`. Raises `UserError` with the nearest name for an unknown one."""
    if name not in COSTS:
        raise unknown_name("cost", name, COSTS)
    return COSTS[name]


def parse_amount(name: str, value: object) -> float:
    """Return the amount that a user wrote for the cost `name` as a number in its unit: 300.0 for ("step", "0.3s").

    Raises `UserError` for an unknown cost or an invalid amount.
    """
    row = cost_row(name)
    try:
        return row.parse(value)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def exact_cost(name: str, architecture: Architecture, batch: int = BATCH) -> int:
    """Return an exact cost of `architecture`, in the unit of its row. batch: the number of images, for memory.

    Raises `UserError` for an unknown cost, for a cost that only a device's profile predicts, and for a network that
    `space.cost.cost.cost` refuses.
    """
    compute = cost_row(name).compute
    if compute is None:
        raise UserError(f"{name} is not known from the architecture alone; exact costs: {', '.join(EXACT)}.")
    return compute(architecture, batch)
