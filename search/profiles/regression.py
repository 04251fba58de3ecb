"""The fit of a profile to measured networks: a table with the time of each block, and two linear models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Self

import numpy as np

from search.profiles import blocks
from search.profiles.blocks import PlacedBlock
from search.profiles.predictor import Predictor
from search.profiles.profile import MeasuredBlock, Profile, TimedCost
from space import Architecture, UserError, decode
from space.timing.device import Device

_FAR = 0.1
"""The weight of relative errors on networks that were not chosen near the latency of a profile. These networks supply
kinds of work that are rare in networks near the latency: without them, dense 5 x 5 convolutions were predicted ten
times too fast."""
_FOLDS = 10
"""The number of folds in the cross-validation of estimates for blocks that were never measured."""

Work = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """The measurements of a network; see `space.timing.per_block.BlockTimes` for the fields.

    In a profile of latencies, `step` and the other times are those of an inference.
    """

    architecture: str
    blocks: tuple[float, ...]
    rest: float
    step: float
    spread: float
    reference_ms: float
    wall: float

    def to_dict(self) -> dict[str, Any]:
        """Return the sample as plain values for JSON."""
        return asdict(self) | {"blocks": list(self.blocks)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the sample from the values that `to_dict` returned.

        Raises KeyError or TypeError if a value is missing or unknown.
        """
        return cls(**{**values, "blocks": tuple(values["blocks"])})


def fit(
    samples: Sequence[Sample],
    device: Device,
    batch: int,
    space: str,
    reference: Architecture,
    made: str,
    cost: TimedCost = "step",
    far: Sequence[Sample] = (),
) -> Profile:
    """Return the profile of `cost` that fits `samples` best. Raises `UserError` if there is no sample.

    space: the name of the space. made: the date and time of the profile. far: measurements of networks of all
    latencies. They have little weight, and only in the estimates for blocks that `samples` lack.
    """
    if not samples:
        raise UserError("A profile needs at least one measured network.")
    unit = median(sample.reference_ms for sample in samples)
    networks = [decode(sample.architecture) for sample in samples]
    table, works = _table(samples, unit)
    times = np.array([block.ms for block in table.values()])
    other_table, other_works = _table(far, unit)
    other_times = np.array([block.ms for block in other_table.values()])
    weights = np.repeat((1.0, _FAR), (len(times), len(other_times)))
    rest = [_rest(network, cost) for network in networks]
    profile = Profile(
        cost=cost,
        device=device,
        batch=batch,
        space=space,
        made=made,
        networks=len(samples),
        wall=median(sample.wall for sample in samples),
        reference=str(reference),
        reference_ms=unit,
        blocks=table,
        work=rates([*works, *other_works], np.concatenate((times, other_times)), weights),
        work_error=_error_elsewhere(works, times),
        rest=rates(rest, np.array([unit * sample.rest for sample in samples])),
        error=0.0,
    )
    steps = np.array([unit * sample.step for sample in samples])
    if cost == "latency":
        profile = _with_constant(profile, Predictor(profile).all(networks)[0], steps)
    predicted, _ = Predictor(profile).all(networks)
    return profile.model_copy(update={"error": float(np.mean(np.abs(predicted / steps - 1)))})


def _table(samples: Sequence[Sample], unit: float) -> tuple[dict[str, MeasuredBlock], list[Work]]:
    """Return the measured blocks of some networks by key, and the amounts of work of each block in the same order.

    See `search.profiles.blocks.work` for the amounts. unit: the milliseconds of the reference network.
    """
    taken: dict[str, list[float]] = {}
    known: dict[str, PlacedBlock] = {}
    for sample in samples:
        for part, time in zip(blocks.parts(decode(sample.architecture)), sample.blocks, strict=True):
            known[part.key] = part
            taken.setdefault(part.key, []).append(unit * time)
    table = {key: _block(times) for key, times in sorted(taken.items())}
    return table, [blocks.work(known[key]) for key in table]


def _with_constant(profile: Profile, predicted: np.ndarray, steps: np.ndarray) -> Profile:
    """Return `profile` with a constant added to the time of every inference, so that predictions fit best.

    The fit is in relative error. The sums of block times alone were 11 % too long for networks of a third of a
    millisecond. A negative constant takes away at most half of the shortest prediction.
    """
    constant = float(np.sum((steps - predicted) / steps**2) / np.sum(1 / steps**2))
    constant = max(constant, -float(predicted.min()) / 2)
    rest = {**profile.rest, "steps": profile.rest.get("steps", 0.0) + constant}
    return profile.model_copy(update={"rest": rest})


def _block(times: Sequence[float]) -> MeasuredBlock:
    middle = max(0.0, median(times))
    spread = float(np.std(times)) / middle if middle else 0.0
    return MeasuredBlock(ms=middle, spread=spread, networks=len(times))


def _rest(network: Architecture, cost: TimedCost) -> Work:
    """Return the amounts of work outside all blocks: of the classifier and, in a training step, of the optimizer."""
    spent = Counter(blocks.work_of_classifier(network, *blocks.before_head(network), cost))
    for part in blocks.parts(network) if cost == "step" else ():
        spent.update(blocks.work_of_optimizer(part.layers))
    return spent


def rates(works: Sequence[Work], times: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Return the time per unit of each kind of work that fits `times` best, in relative error. No time is negative.

    Kinds that take no time are left out. works, times: the work and the time of each part. weights: the weights of
    the relative errors; None for equal weights.
    """
    # scipy.optimize would add half a second to the start of every search.
    from scipy.optimize import nnls

    kinds = sorted({kind for work in works for kind in work})
    amounts = np.array([[work.get(kind, 0.0) for kind in kinds] for work in works])
    # The solver needs columns of one magnitude: multiply-adds come in millions, convolutions in dozens.
    scale = amounts.max(axis=0)
    weight = (1.0 if weights is None else weights) / np.maximum(times, times.max() * 1e-6)
    solution, _ = nnls(amounts / scale * weight[:, None], times * weight, maxiter=100 * len(kinds))
    return {kind: float(rate) for kind, rate in zip(kinds, solution / scale, strict=True) if rate}


def _error_elsewhere(works: Sequence[Work], times: np.ndarray) -> float:
    """Return the median relative error on blocks outside the fit (cross-validated); 0 with too few blocks."""
    if len(works) < 2 * _FOLDS:
        return 0.0
    folds = np.random.default_rng(0).permutation(len(works)) % _FOLDS
    errors: list[float] = []
    for fold in range(_FOLDS):
        fitted = rates([works[i] for i in map(int, np.flatnonzero(folds != fold))], times[folds != fold])
        for i in map(int, np.flatnonzero(folds == fold)):
            ms = sum(fitted.get(kind, 0.0) * amount for kind, amount in works[i].items())
            errors.append(abs(ms / times[i] - 1) if times[i] else 0.0)
    return median(errors)
