"""The device and the conditions of a measurement. Times are comparable only under equal conditions."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Device:
    """The conditions that a time depends on besides the network and the images.

    kind: the kind of device, "cpu" or "cuda". processor: the name that the system reports. cores: the number of
    logical processors of the machine. threads: the number of computing threads. torch: the version of torch.
    precision: the dtype of the forward pass. memory_format: the memory format of images and weights. runtime: the
    program that computes, with its version and options where it is not torch.
    """

    kind: str
    processor: str
    cores: int
    threads: int
    torch: str
    precision: str = "float32"
    memory_format: str = "channels_last"
    runtime: str = "torch"

    @property
    def software(self) -> str:
        """The program that computes, with its version and options: "torch 2.14.1"."""
        return f"torch {self.torch}" if self.runtime == "torch" else self.runtime

    def differences(self, other: Device) -> tuple[str, ...]:
        """Return the differing fields in words, this device's value first: ("torch 2.14.1, not 2.13.0", ...)."""
        mine, theirs = asdict(self), asdict(other)
        return tuple(f"{key} {mine[key]}, not {theirs[key]}" for key in mine if mine[key] != theirs[key])


def this_device(kind: str = "cpu", precision: str = "float32") -> Device:
    """Return the device that one thread of this process computes on. kind: "cpu", "cuda" or "cuda:1"."""
    name, _, number = kind.partition(":")
    return Device(
        kind=name,
        processor=_gpu(int(number or 0)) if name == "cuda" else processor(),
        cores=os.cpu_count() or 1,
        threads=1,
        torch=_torch(),
        precision=precision,
    )


def processor() -> str:
    """Return the name of the processor that the system reports, "" if it reports none."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _torch() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""


def _gpu(number: int) -> str:
    import torch

    return torch.cuda.get_device_name(number)
