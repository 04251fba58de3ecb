"""The proxy training from its beginning to its validation: `train`.

The recipe is made for trainings of a few hundred steps, and for every network of a space alike: AdamW, a
learning rate that rises and then falls to 0 in straight lines, label smoothing, no weight decay on biases and
normalisation, alternating flip (Jordan 2024, arXiv:2404.00498), pixels that stay bytes until a batch needs
them. What was tried in its place is in `experiments/LOG.md`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from search.data.balance import class_weights
from search.data.dataset import Dataset
from search.data.fetching import resident
from search.proxy.device import choose_device, computing_on, precision_on
from search.proxy.device_lock import shared
from search.proxy.ema import Average
from search.proxy.failure import TrialFailed, require_finite
from search.proxy.proxy import Proxy
from search.proxy.resident import Resident
from search.proxy.streamed import epochs_of
from search.proxy.validation import recalibrate, validate
from space import Architecture, plan
from space.network.network import Network, build

OnEpoch = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Training:
    """The outcome of a training.

    accuracy, loss, top5, hits: see `search.proxy.accuracy.Validation`, on the validation split, after the last step.
    curve: mean training loss of every epoch, smoothing included. images: trained on, each epoch's counted.
    seconds: on the clock, and cpu_seconds, of the calling thread, both with building and validation.
    images_per_second: of the loop alone. graph: see `search.proxy.evaluate.Result`.
    """

    accuracy: float
    loss: float
    curve: tuple[float, ...]
    images: int
    seconds: float
    cpu_seconds: float
    images_per_second: float
    top5: float | None = None
    graph: str | None = None
    hits: str = ""


def train(
    architecture: Architecture,
    data: Dataset,
    proxy: Proxy,
    seed: int,
    *,
    device: str = "",
    on_epoch: OnEpoch = lambda epoch, loss: None,
) -> Training:
    """Train `architecture` (the proxy network itself) from scratch and validate it once, at the end.

    device: "" for the proxy's. on_epoch(epoch, loss) is called after each epoch, counted from 1, with its
    training loss; the accuracy half-way down a schedule says little about that at its end.

    On a CPU the result depends on these arguments and the number of threads alone, to the bit, and torch's
    global generators are left as they were. Raises `TrialFailed` when a loss is not a finite number, and where
    the memory of a GPU is too small.
    """
    place = choose_device(device or proxy.device)
    started, cpu_started = time.perf_counter(), time.thread_time()
    forked = torch.random.fork_rng(devices=[place] if place.type == "cuda" else [])
    with shared(place), computing_on(place, tf32=proxy.tf32), forked:
        torch.manual_seed(2 * seed)  # weights and dropout; the data have 2 * seed + 1
        network = build(architecture, dropout=proxy.dropout, drop_path=proxy.drop_path)
        begin(network)
        network.to(place).to(memory_format=torch.channels_last)
        training = time.perf_counter()
        average = Average(network, proxy.ema) if proxy.ema else None
        fitted = fit(network, data, proxy, seed, place, on_epoch, average)
        rate = fitted.images / (time.perf_counter() - training)
        if average:
            network.load_state_dict(average.tensors)
        if proxy.recalibrate_bn:
            recalibrate(network, data, place, proxy.recalibrate_bn)
        figures = validate(network, data, place, proxy.validation_images, flip_tta=proxy.flip_tta)
    if not math.isfinite(figures.loss):
        raise TrialFailed(f"The validation loss is {figures.loss}.")
    return Training(
        accuracy=figures.accuracy,
        loss=figures.loss,
        curve=fitted.curve,
        images=fitted.images,
        seconds=time.perf_counter() - started,
        cpu_seconds=time.thread_time() - cpu_started,
        images_per_second=rate,
        top5=figures.top5,
        graph=fitted.graph,
        hits=figures.hits,
    )


def begin(network: Network) -> None:
    """Change fresh weights to ones from which a short training gets further.

    The classifier begins at 0, and so the loss at chance: the published +-1 / sqrt(classes) is meant for 1000
    classes. Each residual branch begins by adding nothing (Goyal et al. 2017, arXiv:1706.02677, section 5.1),
    except before an activation that would let no gradient back through an exact 0.
    """
    nn.init.zeros_(network.get_submodule("head.classifier").get_parameter("weight"))
    for block in plan(network.architecture):
        last = block.convs[-1]
        if block.shortcut and last.norm and last.act not in ("relu", "relu6"):
            nn.init.zeros_(network.get_submodule(f"{block.name}.{last.name}.norm").get_parameter("weight"))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The outcome of the loop: mean loss of every epoch, images trained on, and how a GPU was given its steps."""

    curve: tuple[float, ...]
    images: int
    graph: str | None


def fit(
    network: nn.Module,
    data: Dataset,
    proxy: Proxy,
    seed: int,
    device: torch.device,
    on_epoch: OnEpoch = lambda epoch, loss: None,
    average: Average | None = None,
) -> Fitted:
    """Train `network` in place. average: takes in the weights after every step.

    A GPU with room for all images does it without waiting for the host (`search.proxy.resident`), except in
    float16, whose loss scale the host decides about.
    """
    count = min(proxy.images or len(data.train), len(data.train))
    labels = torch.tensor(data.train.labels[:count])
    weights = class_weights(labels, len(data.classes)).to(device) if data.balance == "loss" else None
    loop, pixels = None, None
    if device.type == "cuda" and precision_on(device, proxy.precision) != torch.float16:
        pixels = resident(data.train, count, device)
    if pixels is None:
        epochs = epochs_of(network, data, proxy, seed, labels, weights, average, device)
    else:
        loop = Resident(network, data, proxy, pixels, labels, weights, average)
        epochs, count = loop.epochs(seed), loop.steps * loop.batch
    curve = []
    for epoch, losses in enumerate(epochs):
        curve.append(require_finite(losses, epoch))
        on_epoch(epoch + 1, curve[-1])
    return Fitted(tuple(curve), proxy.epochs * count, loop.graph if loop else None)
