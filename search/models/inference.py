"""Inference of a network on a device, by onnxruntime or torch.

`measured` returns the time of an inference. `prepared` returns a function that runs an inference, for other timers,
and a function that measures the time of each block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from search.models.onnx_session import (
    Session,
    node_times,
    out_of_memory,
    require_onnxruntime,
    runtime_name,
    traced,
)
from search.proxy.device import choose_device, precision_on
from search.proxy.measure import too_large
from search.proxy.proxy import Precision
from space import Architecture, UserError
from space.network.network import Network
from space.plan import plan
from space.timing.clock import Timer, timer_of, undisturbed
from space.timing.device import Device, this_device
from space.timing.per_block import inference_blocks
from space.timing.standalone import Timing, repeated

Runtime = Literal["onnxruntime", "torch"]
RUNTIMES: tuple[Runtime, ...] = ("onnxruntime", "torch")
WARMUP = 20
"""The number of untimed inferences before the timed ones."""
_MIN_RUNS, _MAX_RUNS = 40, 200
"""The least and the largest number of timed inferences of a network that is measured alone."""
_CALIBRATION = 4
"""The number of random images for the batch normalisation of networks with fresh weights."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of an inference besides the network.

    runtime: "onnxruntime" or "torch". device: "auto", or a device of torch such as "cpu" or "cuda:1"; onnxruntime
    accepts only "auto" and "cpu". batch: the number of images. threads: the number of computing threads. precision:
    the precision of torch; onnxruntime always computes in float32.
    """

    runtime: Runtime = "onnxruntime"
    batch: int = 1
    threads: int = 1
    device: str = "cpu"
    precision: Precision = "auto"

    @property
    def place(self) -> torch.device:
        """The device as a torch object. Raises `UserError` if it is missing or the runtime cannot use it."""
        if self.runtime == "torch":
            return choose_device(self.device)
        require_onnxruntime()
        if self.device not in ("auto", "cpu"):
            raise UserError(
                f"runtime=onnxruntime runs on the CPU here, not on {self.device}; try runtime=torch."
            )
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that the network computes in. Raises `UserError` if the runtime does not have it."""
        if self.runtime == "torch":
            return precision_on(self.place, self.precision)
        if self.precision not in ("auto", "float32"):
            raise UserError(f"runtime=onnxruntime computes in float32, not in {self.precision}.")
        return torch.float32

    def described(self) -> Device:
        """Return the device of these conditions as profiles store it."""
        place, precision = self.place, str(self.dtype).removeprefix("torch.")
        device = replace(this_device(str(place), precision), threads=self.threads)
        if self.runtime == "torch":
            return device
        return replace(device, runtime=runtime_name(), memory_format="chosen by onnxruntime")


@dataclass(frozen=True, slots=True)
class Inference:
    """A network that is ready to run.

    run: a function that runs one inference. blocks: a function that returns the milliseconds of each block in order,
    and last those of the classifier.
    """

    run: Callable[[], None]
    blocks: Callable[[], list[float]]


def prepared(network: Network, conditions: Conditions) -> Inference:
    """Return the inference of `network` under `conditions`.

    `network` itself is changed to evaluation mode, and for the runtime torch also moved to the device. Raises
    `UserError` for a device, a precision or an operation that the runtime does not have.
    """
    place, dtype, size = conditions.place, conditions.dtype, network.architecture.resolution
    images = torch.randn(conditions.batch, network.architecture.channels, size, size)
    if conditions.runtime == "onnxruntime":
        content, pixels = traced(network, images), images.numpy()
        session = Session(content, pixels, conditions.threads)
        return Inference(
            session.run, lambda: _by_block(network, node_times(content, pixels, conditions.threads))
        )
    built = network.eval().to(place).to(memory_format=torch.channels_last)
    images = images.to(place).contiguous(memory_format=torch.channels_last)
    narrow = None if dtype == torch.float32 else dtype
    return Inference(_step(built, images, narrow), lambda: inference_blocks(built, images, dtype=narrow))


def fresh(network: Network) -> Network:
    """Set the batch-norm statistics of `network` to those of random images, and return it in evaluation mode.

    With the initial statistics, the values of feature maps shrink from layer to layer. In a deep network they become
    denormal numbers, with which processors compute many times slower.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    size = network.architecture.resolution
    with torch.no_grad():
        network.train()(torch.randn(_CALIBRATION, network.architecture.channels, size, size))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network.eval()


def measured(network: Network, conditions: Conditions) -> Timing:
    """Return the time of one inference of `network`, in milliseconds with its uncertainty.

    `network` is changed as by `prepared`. Raises the errors of `prepared`, and `UserError` if the inference does not
    fit into memory.
    """
    architecture = network.architecture
    with quiet(conditions) as timer, within_memory(architecture, conditions.batch):
        inference = prepared(network, conditions)
        for _ in range(WARMUP):
            inference.run()
        return repeated(
            inference.run,
            timer,
            conditions.described(),
            (conditions.batch, architecture.channels, architecture.resolution, architecture.resolution),
            min_steps=_MIN_RUNS,
            max_steps=_MAX_RUNS,
        )


@contextmanager
def quiet(conditions: Conditions) -> Iterator[Timer]:
    """Yield a timer for these conditions. The random state and the number of threads are restored at the end."""
    place = conditions.place
    with undisturbed(place, conditions.threads):
        yield timer_of(place, conditions.threads)


@contextmanager
def within_memory(architecture: Architecture, batch: int) -> Iterator[None]:
    """Raise `UserError`, which names `architecture` and `batch`, if memory runs out in the block."""
    try:
        yield
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise too_large(f"An inference of {architecture}", batch) from None


def _step(network: nn.Module, images: Tensor, dtype: torch.dtype | None) -> Callable[[], None]:
    def run() -> None:
        with torch.inference_mode(), torch.autocast(images.device.type, dtype, enabled=dtype is not None):
            network(images)

    return run


_PATH = re.compile(r"/(?:(stem|head)/(?:(classifier)/)?|stages\.\d+/stages\.(\d+\.\d+)/)")


def _by_block(network: Network, nodes: Sequence[tuple[str, float]]) -> list[float]:
    """Return the milliseconds of each block, and last those of the classifier, from the times of the nodes.

    Nodes that onnxruntime adds, e.g. to change the memory layout of a feature map, are not named after a module.
    Their time counts for the block of the next named node, or of the last named node if none follows.
    """
    stem, *blocks, head = plan(network.architecture)
    names = [stem.name, *(block.name for block in blocks), *([head.name] if len(head.layers) > 1 else [])]
    places = {name: place for place, name in enumerate(names)}
    times = [0.0] * (len(names) + 1)
    waiting = 0.0
    place = len(names)
    for name, ms in nodes:
        waiting += ms
        if match := _PATH.match(name):
            own = f"stages.{match[3]}" if match[3] else match[1]
            place = len(names) if match[2] else places.get(own, len(names))
            times[place] += waiting
            waiting = 0.0
    times[place] += waiting
    return times
