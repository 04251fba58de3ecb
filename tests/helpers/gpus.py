"""A machine with two made-up GPUs, and evaluations for its workers."""

import os
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from search.executors import gpus
from search.executors.gpus import Gpu
from search.testing import looked_up

TWO = [Gpu(number, f"GPU-{letter * 8}", "made-up card", 80 * 10**9) for number, letter in enumerate("ab")]


@contextmanager
def made_up_gpus():
    """Let this process, but not its workers, see two GPUs, and no control program of MPS."""
    with (
        patch.dict(os.environ),
        patch.object(gpus, "_all", lambda: TWO),
        patch.object(gpus, "_built_with_cuda", lambda: True),
        patch("search.executors.mps.available", lambda: False),
    ):
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        gpus.read_anew()
        yield
    gpus.read_anew()


def telling_its_device(request, report):
    """`looked_up`, with the device of the request and CUDA's numbering in place of the kind of its steps."""
    told = f"{request.device} {os.environ.get('CUDA_DEVICE_ORDER')} {os.getpid()}"
    return replace(looked_up(request, report), graph=told)


def broken_once(request, report):
    """An error of CUDA in the first trial; afterwards `telling_its_device`."""
    if request.number == 0:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    return telling_its_device(request, report)
