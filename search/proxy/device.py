"""The device of a training, its numerical precision, and the failure of a trial when GPU memory runs out."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from search.proxy.failure import TrialFailed
from search.proxy.proxy import Precision
from space.refusal import UserError


def choose_device(name: str) -> torch.device:
    """Return the device called `name`, as torch names it ("cpu", "mps", "cuda:1").

    "auto" is the current CUDA GPU, or the CPU if torch sees no CUDA GPU. Raises `UserError` if torch does not see the
    device on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"There is no device {name!r} here: torch sees {torch.cuda.device_count()} CUDA devices."
        )
    if device.type in ("mps", "xpu") and not getattr(torch, device.type).is_available():
        raise UserError(f"There is no device {name!r} here: torch sees no GPU of this kind.")
    return device


def precision_on(device: torch.device, precision: Precision) -> torch.dtype:
    """Return the number format of convolutions.

    On a CUDA GPU, "auto" means bfloat16 if the GPU computes in bfloat16 natively, else float16. On other devices it
    means float32: on a CPU, 16-bit formats are mostly slower.
    """
    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


@contextmanager
def current(device: str) -> Iterator[None]:
    """Make `device` the GPU that "auto" and "cuda" stand for, while the context lasts.

    Any other device, such as "cpu" or "", changes nothing.
    """
    if not device.startswith("cuda"):
        yield
        return
    with torch.cuda.device(device):
        yield


@contextmanager
def computing_on(device: torch.device, *, tf32: bool) -> Iterator[None]:
    """Make `device` the current GPU while the context lasts, and restore the settings of TF32 at its end.

    At a normal end, and if memory runs out, all memory that PyTorch has cached on the GPU is freed. tf32: True if the
    GPU may round the inputs of float32 products to 10 bits of mantissa. On devices other than CUDA GPUs the context
    has no effect. Raises `TrialFailed` if the memory of the GPU is too small.
    """
    if device.type != "cuda":
        yield
        return
    before = _tf32()
    try:
        with torch.cuda.device(device):
            _set_tf32(_allowed(tf32))
            yield
    except torch.OutOfMemoryError as error:
        reason = str(error).partition(". ")[0]
    else:
        reason = ""
    finally:
        _set_tf32(before)
    if reason:
        gc.collect()  # The error no longer refers to the network, but the network is part of a reference cycle.
    torch.cuda.empty_cache()
    if reason:
        raise TrialFailed(f"The memory of {device} is too small: {reason}.")


def _allowed(tf32: bool) -> tuple[Any, Any]:
    value = ("tf32" if tf32 else "ieee") if _switches()[0][1] == "fp32_precision" else tf32
    return value, value


def _tf32() -> tuple[Any, Any]:
    """Return the TF32 settings of matrix products and of convolutions, in the form of the installed torch."""
    matmul, convolution = _switches()
    return getattr(*matmul), getattr(*convolution)


def _set_tf32(values: tuple[Any, Any]) -> None:
    for (module, name), value in zip(_switches(), values, strict=True):
        setattr(module, name, value)


def _switches() -> tuple[tuple[Any, str], tuple[Any, str]]:
    backends: Any = torch.backends
    if hasattr(backends.cuda.matmul, "fp32_precision"):  # torch 2.9 and later
        return (backends.cuda.matmul, "fp32_precision"), (backends.cudnn.conv, "fp32_precision")
    return (backends.cuda.matmul, "allow_tf32"), (backends.cudnn, "allow_tf32")
