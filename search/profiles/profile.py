"""The profile document: what was measured on a device, as JSON. No torch, no numpy."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from search.files import write_file
from space import Space, UserError, decode
from space.timing.device import Device

BATCH = 32
"""Images of a step where nothing else is asked for: the S of a profile is that of a step on so many."""


class Block(BaseModel):
    """The time of a block, forward and backward, for the profile's batch.

    ms: median over the networks that it was measured in. spread: standard deviation among them, as a share of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ms: float = Field(ge=0)
    spread: float = Field(ge=0)
    networks: int = Field(ge=1)


class Profile(BaseModel):
    """How long blocks take on a device.

    batch: images of a step. space: whose blocks were measured. made: when. networks: how many were measured.
    wall: their wall time over the device's, median: 1 on an idle machine. reference: the network that took turns
    with them, whose step took reference_ms. blocks: by `search.profiles.blocks.Part.key`. work: for blocks that
    were not measured, milliseconds per unit of work (`search.profiles.blocks.work`); work_error: the median
    error of that on measured blocks that it was not fitted to. rest: the same for all that is no block
    (`search.profiles.regression.rest_work`). error: mean absolute error of the sum for the networks measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal["compound-nas.profile"] = "compound-nas.profile"
    version: Literal[1] = 1
    device: Device
    batch: int = Field(ge=1)
    space: str
    made: str
    networks: int
    wall: float
    reference: str
    reference_ms: float = Field(gt=0)
    blocks: dict[str, Block]
    work: dict[str, float]
    work_error: float
    rest: dict[str, float]
    error: float

    @property
    def digest(self) -> str:
        """12 hexadecimal digits of all it says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    @property
    def resolution(self) -> int:
        """Of the space that it was made for, in pixels."""
        return decode(self.reference).resolution

    def save(self, path: Path) -> None:
        """Writes it to `path` in one step. Raises `UserError` if that cannot be written."""
        write_file(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """The profile in the file `path`. Raises `UserError` if it is none."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"Cannot read the profile {path}: {error.strerror or error}.") from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise UserError(f"{path} is no profile: {place}: {first['msg'].lower()}.") from None

    def differences(self, device: Device, batch: int) -> tuple[str, ...]:
        """Why it doesn't hold on `device` for steps on `batch` images, in words; () if it does."""
        other = () if batch == self.batch else (f"batch {self.batch}, not {batch}",)
        return (*self.device.differences(device), *other)

    def check(self, device: Device, batch: int, otherwise: str = "") -> None:
        """Raises `UserError` if it doesn't hold on `device` for steps on `batch` images, saying why.

        otherwise: what the user can do, for the end of the message.
        """
        found = self.differences(device, batch)
        if found:
            rest = f"; {otherwise}" if otherwise else ""
            raise UserError(f"The profile of {self.space} was made with {', '.join(found)}{rest}.")


def folder() -> Path:
    """Where profiles are kept: `compound-nas/profiles` in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "compound-nas" / "profiles"


def file_of(device: Device, batch: int, space: Space) -> Path:
    """The file in `folder` for the profile of `space`: another one for every way to pin its choices."""
    named = hashlib.sha256(repr((device, space.document)).encode()).hexdigest()[:8]
    resolution = space.frames[0].resolution
    return folder() / f"{space.name}-r{resolution}-b{batch}-{device.kind}-{named}.json"


def kept(device: Device, batch: int) -> list[Profile]:
    """The profiles in `folder` that hold on `device` for steps on `batch` images, the latest first.

    A file that is no profile, of a later version say, is passed over.
    """
    found: list[Profile] = []
    for path in folder().glob("*.json"):
        try:
            profile = Profile.load(path)
        except UserError:
            continue
        if not profile.differences(device, batch):
            found.append(profile)
    return sorted(found, key=lambda profile: profile.made, reverse=True)
