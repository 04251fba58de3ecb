"""The GPUs of this machine, asked of NVIDIA's driver without CUDA.

A process that has called CUDA holds half a gigabyte of a GPU, and cannot fork workers that call it too. So the driver
of a search asks NVML, a library that comes with the driver of the card, for what it must know.
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
"""CUDA's environment variables: the GPUs that a process may use, and how they are numbered."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that CUDA will find. number: CUDA's, so that torch calls it cuda:NUMBER. free: bytes of memory."""

    number: int
    uuid: str
    name: str
    free: int


def gpus_for(device: str) -> tuple[Gpu, ...]:
    """Return the GPUs for trainings on `device`: all for "auto" and "cuda", one for "cuda:1", none for "cpu"."""
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cuda"):
        return ()
    gpus = seen()
    return tuple(gpu for gpu in gpus if gpu.number == int(number)) if number.isdecimal() else gpus


def seen() -> tuple[Gpu, ...]:
    """Return the GPUs that a worker's CUDA will find; none where torch is built without it."""
    return _seen(os.environ.get(VISIBLE))


@cache
def _seen(visible: str | None) -> tuple[Gpu, ...]:
    return selected(_all(), visible) if _built_with_cuda() else ()


def selected(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Return the GPUs that `CUDA_VISIBLE_DEVICES=visible` leaves, numbered anew in its order.

    visible: numbers and beginnings of UUIDs; CUDA ignores everything from the first unknown one on. None: all.
    """
    if visible is None:
        return tuple(gpus)
    chosen: list[Gpu] = []
    for word in map(str.strip, visible.split(",")):
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
    """Return the variable that makes CUDA number GPUs as NVML does. A user's own choice is left alone."""
    return {} if ORDER in environment else {ORDER: "PCI_BUS_ID"}


def _built_with_cuda() -> bool:
    """Return True if the installed torch can use a GPU. Read from a file: importing torch takes seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = (Path(spec.origin).parent / "version.py").read_text("utf-8")
    except OSError:
        return True
    return not re.search(r"^cuda\b[^=\n]*=\s*None", text, re.MULTILINE)


class _Memory(ctypes.Structure):
    """NVML's nvmlMemory_t, in bytes."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def _all() -> list[Gpu]:
    """Return all GPUs of the machine in the order of their slots; [] where there is no driver."""
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
    except AttributeError:  # a driver of before 2013
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
