"""The measurements of a profile: their networks, their order and their continuation after an interruption.

This module does not import torch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from search.profiles.predictor import Predictor
from search.profiles.profile import Profile, TimedCost
from search.profiles.regression import Sample, fit
from search.profiles.sampling import chosen, chosen_among, typical
from search.reward import UNIT, network
from space import Architecture, Space, UserError
from space.timing.device import Device

MAX_NETWORKS = 60
"""The default of `Campaign.max_networks`."""
FIRST = 20
"""The `max_networks` of a first campaign in the whole space, before networks near a given latency are measured."""
_NEAR = (0.5, 1.5)
"""A network counts as near a latency if its predicted latency is between these multiples of it."""
_ENOUGH = 10
"""The smallest number of networks near a latency to which a profile is fitted: 10 small networks predict small ones
better than 60 of all sizes (lab book, where the errors of a profile come from)."""
_MANY, _FEW = 1000, 10
"""The numbers of classes of ImageNet and of small data sets."""


@dataclass(frozen=True)
class Campaign:
    """The networks to measure for a profile, and the conditions.

    batch: the number of images in a step or an inference. max_networks: the largest number of networks that are
    chosen; two more are measured, see `networks`. near: the latency in milliseconds that the given networks are near,
    see `narrowed`. given: the networks to measure; () to choose them by the space and `max_networks` alone.
    """

    space: Space
    device: Device
    batch: int
    max_networks: int = MAX_NETWORKS
    cost: TimedCost = "step"
    near: float | None = None
    given: tuple[Architecture, ...] = ()

    @cached_property
    def networks(self) -> list[Architecture]:
        """The networks to measure: the given ones, else those of `chosen` and two more.

        The two are the reference network with another number of classes, to learn the cost of classes, and the
        default reference network of rewards.
        """
        if self.given:
            return list(self.given)
        one, frame = self.reference, self.space.frames[0]
        other = replace(one, classes=_MANY if one.classes != _MANY else _FEW)
        unit = replace(
            network(UNIT), classes=frame.classes, channels=frame.channels, resolution=frame.resolution
        )
        return [*chosen(self.space, self.max_networks), other, unit]

    def narrowed(self, profile: Profile, near: float) -> Campaign:
        """Return the campaign that measures networks with about the latency `near` in milliseconds.

        A profile fitted to these networks errs less near that latency, since larger networks need other rates. There
        are at most `max_networks - FIRST` such networks. If there are fewer than `_ENOUGH`, the campaign is returned
        unchanged. profile: the profile that predicts latencies, fitted to `FIRST` networks of the whole space.
        """
        predictor = Predictor(profile)

        def close(network: Architecture) -> bool:
            return _NEAR[0] * near <= predictor(network).ms <= _NEAR[1] * near

        networks = chosen_among(self.space, close, self.max_networks - FIRST)
        if len(networks) < _ENOUGH:
            return self
        return replace(self, near=near, given=tuple(networks))

    @cached_property
    def reference(self) -> Architecture:
        """The reference network, which is timed in alternation with each measured network."""
        return typical(self.space)

    def fit(self, samples: list[Sample], far: list[Sample] | None = None) -> Profile:
        """Return the profile that is fitted to `samples`. Raises `UserError` if there are none.

        far: measurements of networks of the whole space. They supply kinds of work that are rare in networks near the
        latency of this campaign.
        """
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        where = (self.device, self.batch, self.space.name, self.reference)
        profile = fit(samples, *where, now, self.cost, far or ())
        return profile.model_copy(update={"near": self.near})

    def _document(self) -> dict[str, Any]:
        """Return the conditions that all samples of a file share."""
        timed = {"cost": self.cost, "batch": self.batch, "reference": str(self.reference)}
        return {**asdict(self.device), **timed}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the measurements, in networks.

    done: the number of measured networks, including those measured before an interruption. seconds: the seconds
    since the measurements began or continued. left: the estimated seconds remaining; None until a network has been
    measured since then.
    """

    done: int
    total: int
    seconds: float
    left: float | None


def run(campaign: Campaign, path: Path, measure: Callable[[Architecture], Sample]) -> Iterator[Sample]:
    """Measure the networks missing in the file of samples at `path`. Yield each sample as soon as it is written.

    A file that was measured under other conditions is overwritten. Raises `UserError` if the file cannot be written.
    """
    done = {sample.architecture for sample in samples(campaign, path)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = bool(_lines(campaign, path))
        with path.open("r+b" if known else "w+b") as file:
            _write(file, b"" if known else _encoded(campaign._document()))
            for one in campaign.networks:
                if str(one) not in done:
                    sample = measure(one)
                    _write(file, _encoded(sample.to_dict()))
                    yield sample
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None


def _write(file: IO[bytes], line: bytes) -> None:
    """Write a line after the last whole line of the file. A line that a killed process cut off is dropped."""
    file.seek(0)
    file.seek(file.read().rfind(b"\n") + 1)
    file.truncate()
    file.write(line)
    file.flush()


def samples(campaign: Campaign, path: Path) -> list[Sample]:
    """Return the samples of the campaign's networks in the file at `path`; [] if the file has other conditions."""
    wanted = set(map(str, campaign.networks))
    known = [Sample.from_dict(line) for line in map(_line, _lines(campaign, path)[1:]) if line]
    return [sample for sample in known if sample.architecture in wanted]


def _lines(campaign: Campaign, path: Path) -> list[str]:
    """Return the lines of the file at `path`; [] if it cannot be read or if its first line has other conditions."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines() or [""]
    except OSError:
        return []
    return lines if _line(lines[0]) == json.loads(json.dumps(campaign._document())) else []


def _encoded(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _line(text: str) -> dict[str, Any]:
    """Parse a line of the file; {} if it was not written completely."""
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
