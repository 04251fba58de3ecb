"""The proxy training of a network, from the initial weights to the validation: `train`.

The training loops are in `search.proxy.loop_resident` (most trainings on CUDA GPUs) and `search.proxy.loop_streamed`
(all others); `fit` chooses.

The recipe is made for trainings of a few hundred steps, and is the same for all networks of a space: AdamW, a
learning rate that rises linearly and then falls linearly to 0, label smoothing, no weight decay on biases and
normalisation scales, and alternating flip (Jordan 2024, arXiv:2404.00498). Pixels stay bytes until a batch needs
them. `experiments/LOG.md` describes the alternatives that were tried.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from search.data.balance import class_weights
from search.data.dataset import Dataset
from search.data.fetching import resident
from search.proxy.classifier import fit_classifier
from search.proxy.device import choose_device, computing_on, precision_on
from search.proxy.device_lock import shared
from search.proxy.ema import Average
from search.proxy.failure import TrialFailed, require_finite
from search.proxy.loop_resident import Resident
from search.proxy.loop_streamed import epochs_of
from search.proxy.proxy import Proxy
from search.proxy.validation import recalibrate, validate
from space import Architecture, plan
from space.network.network import Network, build
from space.weights.children import inherit
from space.weights.weights import Weights, rebuild

OnEpoch = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Training:
    """The outcome of a training.

    accuracy, loss, top5, hits: the metrics on the validation split after the last step, see
        `search.proxy.accuracy.Validation`.
    curve: the mean training loss of each epoch, with label smoothing.
    images: the number of images trained on, summed over all epochs.
    seconds: the wall-clock time in seconds, with building and validation.
    cpu_seconds: the CPU time of the calling thread in seconds, with building and validation.
    images_per_second: the speed of the training loop alone.
    graph: the way in which steps were launched, see `search.proxy.evaluate.Result`.
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
    parent: Weights | None = None,
    device: str = "",
    on_epoch: OnEpoch = lambda epoch, loss: None,
) -> Training:
    """Return the outcome of training the proxy network `architecture`, which is validated once, at the end.

    With proxy.epochs=0 no loop runs: a new classifier is fitted on the network's features. parent: the weights that
    the network inherits from, for as many classes and channels as the data have; None: the network starts from random
    weights. device: the device; "": `proxy.device`. on_epoch: is called as on_epoch(epoch, loss) after each epoch,
    counted from 1, with its mean training loss. No accuracy is passed, since the accuracy in the middle of a schedule
    says little about the accuracy at its end.

    On a CPU the result depends only on these arguments and the number of threads, and is reproducible to the bit. The
    global random generators of torch are restored. Raises `TrialFailed` if a loss is not a finite number, or if the
    memory of a GPU is too small, and `UserError` if the machine does not have the device or the network is not a
    child of `parent`.
    """
    place = choose_device(device or proxy.device)
    started, cpu_started = time.perf_counter(), time.thread_time()
    forked = torch.random.fork_rng(devices=[place] if place.type == "cuda" else [])
    with shared(place), computing_on(place, tf32=proxy.tf32), forked:
        torch.manual_seed(2 * seed)  # for weights and dropout; the data use 2 * seed + 1
        if parent is None:
            network = build(architecture, dropout=proxy.dropout, drop_path=proxy.drop_path)
            begin(network)
        else:
            conventions = parent.conventions
            data = replace(data, mean=conventions.mean, std=conventions.std)
            inherited = inherit(parent, architecture)
            network = rebuild(inherited, dropout=proxy.dropout, drop_path=proxy.drop_path)
        network.to(place).to(memory_format=torch.channels_last)
        training = time.perf_counter()
        average = Average(network, proxy.ema) if proxy.ema else None
        fitted = fit(network, data, proxy, seed, place, on_epoch, average)
        rate = fitted.images / (time.perf_counter() - training)
        if average:
            network.load_state_dict(average.tensors)
        if proxy.recalibrate_bn:
            recalibrate(network, data, place, proxy.recalibrate_bn)
        if not proxy.epochs:
            fit_classifier(network, data, place, proxy.images)
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
    """Change initial weights in place so that a short training reaches a higher accuracy.

    The classifier begins at 0, so that the loss begins at the value of equal probabilities for all classes. The
    published initialisation within +-1 / sqrt(classes) is meant for 1000 classes. Each residual branch begins with
    the output 0 (Goyal et al. 2017, arXiv:1706.02677, section 5.1), except before a ReLU or ReLU6, whose gradient at
    0 is 0.
    """
    nn.init.zeros_(network.get_submodule("head.classifier").get_parameter("weight"))
    for block in plan(network.architecture):
        last = block.convs[-1]
        if block.shortcut and last.norm and last.act not in ("relu", "relu6"):
            nn.init.zeros_(network.get_submodule(f"{block.name}.{last.name}.norm").get_parameter("weight"))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The outcome of a training loop.

    curve: the mean training loss of each epoch. images: the number of images trained on, summed over all epochs.
    graph: the way in which steps were launched, see `search.proxy.evaluate.Result`; None for
    `search.proxy.loop_streamed`.
    """

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
    """Train `network` in place, and return the losses and the number of images.

    average: the moving average that is updated after each step; None: no average. on_epoch: see `train`.

    On a CUDA GPU `search.proxy.loop_resident` is used, with three exceptions: more images than
    `search.data.fetching.resident` permits; float16, for which the host must choose the loss scale; and layers with
    their own learning rates. All other trainings use `search.proxy.loop_streamed`. Raises `TrialFailed` if a loss is
    not a finite number.
    """
    count = min(proxy.images or len(data.train), len(data.train))
    labels = torch.tensor(data.train.labels[:count])
    weights = class_weights(labels, len(data.classes)).to(device) if data.balance == "loss" else None
    loop, pixels = None, None
    one_rate = proxy.backbone_lr_scale == 1
    if device.type == "cuda" and one_rate and precision_on(device, proxy.precision) != torch.float16:
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
