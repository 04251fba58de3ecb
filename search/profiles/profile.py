"""The profile document: the measurements of a device, as JSON. This module imports neither torch nor numpy."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from search.files import write_file
from space import Space, UserError, decode
from space.timing.device import Device

BATCH = 32
"""The default number of images in a measured training step."""
TimedCost = Literal["step", "latency"]
"""The costs that a profile predicts."""
BATCHES: dict[TimedCost, int] = {"step": BATCH, "latency": 1}
"""The default number of images by cost."""


class MeasuredBlock(BaseModel):
    """The time of a block for the profile's batch: forward and backward for a step, forward for latency.

    ms: the median time over the networks that contain the block, in milliseconds. spread: the standard deviation
    among these networks, relative to the median. networks: the number of these networks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ms: float = Field(ge=0)
    spread: float = Field(ge=0)
    networks: int = Field(ge=1)


class Profile(BaseModel):
    """The times of blocks on a device, and rates that estimate the times of other blocks.

    cost: the cost that the profile predicts. batch: the number of images in a step or an inference. space: the name
    of the space with these blocks. made: the date and time of the profile. networks: the number of measured
    networks. wall: the median ratio of wall time to device time, 1 on an idle machine. reference: the network whose
    steps or inferences alternated with those measured. reference_ms: the milliseconds of a step or an inference of
    the reference. blocks: the measured blocks by `PlacedBlock.key`. work: the milliseconds per unit of
    `search.profiles.blocks.work`, for blocks that were not measured. work_error: the median relative error of times
    estimated from work, in cross-validation; 0 if there are too few blocks. rest: the milliseconds per unit of work
    outside the blocks. error: the mean absolute relative error of the predicted times of the measured networks. near:
    the latency in milliseconds that the measured networks are near; None if they are from the whole space.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["compound-nas.profile"] = "compound-nas.profile"
    version: Literal[1] = 1
    cost: TimedCost = "step"
    device: Device
    batch: int = Field(ge=1)
    space: str
    made: str
    networks: int
    wall: float
    reference: str
    reference_ms: float = Field(gt=0)
    blocks: dict[str, MeasuredBlock]
    work: dict[str, float]
    work_error: float
    rest: dict[str, float]
    error: float
    near: float | None = None

    @property
    def digest(self) -> str:
        """The first 12 hexadecimal digits of the document's SHA-256."""
        # Earlier versions lacked `near`. Their profiles, all of them of whole spaces, must keep their digests.
        document = self.model_dump_json(exclude={"near"} if self.near is None else None)
        return hashlib.sha256(document.encode()).hexdigest()[:12]

    @property
    def resolution(self) -> int:
        """The resolution of the reference network in pixels. It is one of the resolutions of the profile's space."""
        return decode(self.reference).resolution

    def save(self, path: Path) -> None:
        """Write the profile to `path` atomically. Raises `UserError` if that fails."""
        write_file(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the profile in the file `path`. Raises `UserError` if it is not a profile or cannot be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"Cannot read the profile {path}: {error.strerror or error}.") from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise UserError(f"{path} is not a profile: {place}: {first['msg'].lower()}.") from None

    def differences(self, device: Device, batch: int) -> tuple[str, ...]:
        """Return the reasons why the profile does not apply under these conditions; () if it applies.

        device: the device that computes. batch: the number of images.
        """
        other = () if batch == self.batch else (f"batch {self.batch}, not {batch}",)
        return (*self.device.differences(device), *other)

    def check(self, device: Device, batch: int, otherwise: str = "") -> None:
        """Raise `UserError` with the reasons if the profile does not apply to `batch` images on `device`.

        otherwise: advice on what to do instead, at the end of the message; "" for none.
        """
        reasons = self.differences(device, batch)
        if reasons:
            rest = f"; {otherwise}" if otherwise else ""
            raise UserError(f"The profile of {self.space} was made with {', '.join(reasons)}{rest}.")


def folder() -> Path:
    """Return the folder of profiles: `compound-nas/profiles` in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "compound-nas" / "profiles"


def file_of(
    device: Device, batch: int, space: Space, cost: TimedCost = "step", near: float | None = None
) -> Path:
    """Return the file for the profile of `space` in `folder`. Each set of pinned choices has a file of its own.

    near: the latency in milliseconds that the measured networks are near; None for the whole space. It has no effect
    on the file of a profile of step times.
    """
    named = hashlib.sha256(repr((device, space.document)).encode()).hexdigest()[:8]
    resolution = space.frames[0].resolution
    name = re.sub(r"[^A-Za-z0-9._-]", "_", space.name)
    timed = "" if cost == "step" else f"{cost}-" if near is None else f"{cost}-{near:g}ms-"
    return folder() / f"{name}-r{resolution}-b{batch}-{timed}{device.kind}-{named}.json"


def saved_profiles(device: Device, batch: int, cost: TimedCost = "step") -> list[Profile]:
    """Return the profiles of `cost` in `folder` that apply to `batch` images on `device`, the latest first.

    Files that are not profiles of this version are skipped.
    """
    profiles: list[Profile] = []
    for path in folder().glob("*.json"):
        try:
            profile = Profile.load(path)
        except UserError:
            continue
        if profile.cost == cost and not profile.differences(device, batch):
            profiles.append(profile)
    return sorted(profiles, key=lambda profile: profile.made, reverse=True)
