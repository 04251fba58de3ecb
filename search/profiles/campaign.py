"""Measuring a profile: which networks, in which order, and how it goes on after it was interrupted. No torch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from search.profiles.profile import Profile
from search.profiles.regression import Sample, fit
from search.profiles.sampling import chosen, typical
from search.reward import UNIT, network
from space import Architecture, Space, UserError
from space.timing.device import Device

MOST = 60
"""Networks of a space that are measured, unless told otherwise."""
_MANY, _FEW = 1000, 10
"""Classes, as ImageNet and the small data sets have them."""


@dataclass(frozen=True)
class Campaign:
    """What a profile is measured on: depends on the space and on how many networks are permitted, and no more."""

    space: Space
    device: Device
    batch: int
    most: int = MOST

    @cached_property
    def networks(self) -> list[Architecture]:
        """What is measured, the most telling first.

        Beside those of the space: one with another number of classes, without which nothing would tell what
        classes cost, and the network that rewards take for their unit if they aren't told another.
        """
        one, frame = self.reference, self.space.frames[0]
        other = replace(one, classes=_MANY if one.classes != _MANY else _FEW)
        unit = replace(
            network(UNIT), classes=frame.classes, channels=frame.channels, resolution=frame.resolution
        )
        return [*chosen(self.space, self.most), other, unit]

    @cached_property
    def reference(self) -> Architecture:
        """What takes turns with it."""
        return typical(self.space)

    def fit(self, samples: list[Sample]) -> Profile:
        """The profile that samples give."""
        made = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        return fit(samples, self.device, self.batch, self.space.name, self.reference, made)

    def _document(self) -> dict[str, Any]:
        """What samples in one file have in common."""
        return {**asdict(self.device), "batch": self.batch, "reference": str(self.reference)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a measurement is. seconds: it took; left: it will still take, None before the first network."""

    done: int
    total: int
    seconds: float
    left: float | None


def run(campaign: Campaign, path: Path, measure: Callable[[Architecture], Sample]) -> Iterator[Sample]:
    """Measures what is missing in the file of samples at `path`, and yields each as it is there.

    `samples` gives all of them. A file of other conditions is begun anew. Raises `UserError` if it can't be written.
    """
    known = samples(campaign, path)
    done = {sample.architecture for sample in known}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written anew: what a killed process left of its last line is not gone on with.
        lines = [campaign._document(), *(sample.to_dict() for sample in known)]
        with path.open("w") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            for one in campaign.networks:
                if str(one) not in done:
                    sample = measure(one)
                    file.write(json.dumps(sample.to_dict()) + "\n")
                    file.flush()
                    yield sample
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None


def samples(campaign: Campaign, path: Path) -> list[Sample]:
    """What was measured before under the conditions of `campaign`; [] if nothing was."""
    try:
        first, *rest = path.read_text().splitlines() or [""]
    except OSError:
        return []
    if _line(first) != json.loads(json.dumps(campaign._document())):
        return []
    wanted = set(map(str, campaign.networks))
    found = [Sample.from_dict(line) for line in map(_line, rest) if line]
    return [sample for sample in found if sample.architecture in wanted]


def _line(text: str) -> dict[str, Any]:
    """A line of the file, {} if it was not written to its end."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
