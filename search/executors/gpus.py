"""The GPUs of this machine, which are found through NVML without calling CUDA.

A process that has called CUDA occupies half a gigabyte of GPU memory, and cannot fork workers that call CUDA too. The
process that runs a search therefore reads the GPUs from NVML, a library that is installed with NVIDIA's driver.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

VISIBLE, ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
"""The environment variables by which CUDA selects the GPUs that a process may use, and numbers them."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that CUDA will find in a worker.

    number: the number that CUDA gives it; torch calls the GPU cuda:NUMBER. uuid: the identifier that NVIDIA's driver
    gives it. name: the name of its model. free: the bytes of its memory that are free.
    """

    number: int
    uuid: str
    name: str
    free: int


def gpus_for(device: str) -> tuple[Gpu, ...]:
    """Return the GPUs for trainings on `device`: all for "auto" and "cuda", number 1 for "cuda:1", none for "cpu".

    GPUs that CUDA_VISIBLE_DEVICES hides do not count.
    """
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cuda"):
        return ()
    gpus = seen()
    return tuple(gpu for gpu in gpus if gpu.number == int(number)) if number.isdecimal() else gpus


def seen() -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA will find in a worker; () if there are none or torch is built without CUDA.

    The free memory is read only at the first call after `read_anew`, so that a run's own workers do not change it.
    """
    return _seen(os.environ.get(VISIBLE))


def read_anew() -> None:
    """Let the next call of `seen` read the GPUs again. It is called before a search or a fit begins or is resumed."""
    _seen.cache_clear()


@cache
def _seen(visible: str | None) -> tuple[Gpu, ...]:
    return selected(_all(), visible) if _built_with_cuda() else ()


def selected(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Return the GPUs that `CUDA_VISIBLE_DEVICES=visible` permits, renumbered from 0 in the order given there.

    visible: a comma-separated list of numbers and of beginnings of UUIDs. The first entry that is unknown, ambiguous
    or repeated is ignored, and all entries after it. If the first entry is a MIG instance, a part of a GPU, only this
    instance is returned, since CUDA gives a process at most one. Its `free` is 0, since its memory is not known here.
    None: all GPUs are permitted, with their own numbers.
    """
    if visible is None:
        return tuple(gpus)
    words = [word.strip() for word in visible.split(",")]
    if gpus and words[0].startswith("MIG-"):
        return (Gpu(0, words[0], "MIG instance", 0),)
    chosen: list[Gpu] = []
    for word in words:
        matches = [
            gpu
            for gpu in gpus
            if (word.isdecimal() and gpu.number == int(word)) or (word and gpu.uuid.startswith(word))
        ]
        if len(matches) != 1 or matches[0] in chosen:
            break
        chosen += matches
    return tuple(replace(gpu, number=number) for number, gpu in enumerate(chosen))


def numbering(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that makes CUDA number GPUs in the order of NVML; {} if `environment` sets it already."""
    return {} if ORDER in environment else {ORDER: "PCI_BUS_ID"}


def _built_with_cuda() -> bool:
    """Return True if the installed torch is built with CUDA; False if torch is not installed.

    The answer is read from a file of torch, since importing torch takes seconds. It is True if the file cannot be
    read.
    """
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = (Path(spec.origin).parent / "version.py").read_text("utf-8")
    except OSError:
        return True
    return not re.search(r"^cuda\b[^=\n]*=\s*None", text, re.MULTILINE)


class _Memory(ctypes.Structure):
    """The structure nvmlMemory_t of NVML: total, free and used memory of a GPU, in bytes."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def _all() -> list[Gpu]:
    """Return all GPUs of the machine, in the order of their PCI slots; [] if NVIDIA's driver does not answer."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return []
    try:
        if nvml.nvmlInit_v2():
            return []
        count = ctypes.c_uint()
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        gpus = [_gpu(nvml, number) for number in range(count.value)]
        nvml.nvmlShutdown()
    except AttributeError:  # a driver from before 2013
        return []
    return [gpu for gpu in gpus if gpu is not None]


def _gpu(nvml: Any, number: int) -> Gpu | None:
    handle, memory = ctypes.c_void_p(), _Memory()
    uuid, name = (ctypes.create_string_buffer(96) for _ in range(2))
    failed = (
        nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle))
        or nvml.nvmlDeviceGetUUID(handle, uuid, 96)
        or nvml.nvmlDeviceGetName(handle, name, 96)
        or nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    )
    return None if failed else Gpu(number, uuid.value.decode(), name.value.decode(), memory.free)
