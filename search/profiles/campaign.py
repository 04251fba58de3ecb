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

from search.profiles.profile import Profile, TimedCost
from search.profiles.regression import Sample, fit
from search.profiles.sampling import chosen, typical
from search.reward import UNIT, network
from space import Architecture, Space, UserError
from space.timing.device import Device

MAX_NETWORKS = 60
"""The default of the largest number of networks to measure for a space."""
_MANY, _FEW = 1000, 10
"""The numbers of classes of ImageNet and of small data sets."""


@dataclass(frozen=True)
class Campaign:
    """The networks to measure for a profile. They depend only on the space and on the largest number of networks."""

    space: Space
    device: Device
    batch: int
    max_networks: int = MAX_NETWORKS
    cost: TimedCost = "step"

    @cached_property
    def networks(self) -> list[Architecture]:
        """The networks to measure: those of `chosen`, then two more.

        The two are the reference network with another number of classes, to learn the cost of classes, and the
        default reference network of rewards.
        """
        one, frame = self.reference, self.space.frames[0]
        other = replace(one, classes=_MANY if one.classes != _MANY else _FEW)
        unit = replace(
            network(UNIT), classes=frame.classes, channels=frame.channels, resolution=frame.resolution
        )
        return [*chosen(self.space, self.max_networks), other, unit]

    @cached_property
    def reference(self) -> Architecture:
        """The reference network, which is timed in turns with each measured network."""
        return typical(self.space)

    def fit(self, samples: list[Sample]) -> Profile:
        """Return the profile that is fitted to `samples`. Raises `UserError` if there are none."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        return fit(samples, self.device, self.batch, self.space.name, self.reference, now, self.cost)

    def _document(self) -> dict[str, Any]:
        """Return the conditions that all samples of a file share."""
        timed = {"cost": self.cost, "batch": self.batch, "reference": str(self.reference)}
        return {**asdict(self.device), **timed}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the measurements, in networks.

    seconds: the seconds elapsed. left: the seconds remaining; None before the first network.
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
        with path.open("r+b" if done else "w+b") as file:
            _write(file, b"" if done else _encoded(campaign._document()))
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
    """Return the samples measured earlier under the conditions of `campaign`; [] if there are none."""
    try:
        first, *rest = path.read_text("utf-8", "replace").splitlines() or [""]
    except OSError:
        return []
    if _line(first) != json.loads(json.dumps(campaign._document())):
        return []
    wanted = set(map(str, campaign.networks))
    known = [Sample.from_dict(line) for line in map(_line, rest) if line]
    return [sample for sample in known if sample.architecture in wanted]


def _encoded(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _line(text: str) -> dict[str, Any]:
    """Parse a line of the file; {} if it was not written completely."""
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
