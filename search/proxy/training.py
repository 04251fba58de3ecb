"""The training loop, from top to bottom: `train`.

The recipe is made for trainings of a few hundred steps, and for every network of a space alike: AdamW, a
learning rate that rises and then falls to 0 in straight lines, label smoothing, no weight decay on biases and
normalisation, alternating flip (Jordan 2024, arXiv:2404.00498), pixels that stay bytes until a batch needs
them. What was tried in its place is in `experiments/LOG.md`.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from search.data.augment import augment, mirrored, normalise
from search.data.balance import class_weights, epoch_order
from search.data.dataset import Dataset
from search.data.fetching import fetcher
from search.proxy.accuracy import Validation, accuracy, ranks
from search.proxy.ema import Average
from search.proxy.failure import TrialFailed
from search.proxy.proxy import Precision, Proxy
from space import Architecture, plan
from space.network.network import Network, build
from space.refusal import UserError

_LOOK = 50
"""Steps between looks at the losses. A look waits for the GPU; a diverged network is noticed soon enough."""
_VALIDATED = 256
"""Images that are validated at a time."""

_BETA2 = 0.99
"""AdamW's memory of squared gradients: 100 steps, where a proxy training has a few hundred; 0.999 is for more."""

OnEpoch = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Training:
    """What came out of a training.

    accuracy, loss, top5: see `search.proxy.accuracy.Validation`, on the validation split, after the last step.
    curve: mean training loss of every epoch, smoothing included. images: trained on, each epoch's counted.
    seconds: on the clock, and cpu_seconds, of the calling thread, both with building and validation.
    images_per_second: of the loop alone.
    """

    accuracy: float
    loss: float
    curve: tuple[float, ...]
    images: int
    seconds: float
    cpu_seconds: float
    images_per_second: float
    top5: float | None = None


def train(
    architecture: Architecture,
    data: Dataset,
    proxy: Proxy,
    seed: int,
    *,
    device: str = "",
    on_epoch: OnEpoch = lambda epoch, loss: None,
) -> Training:
    """Trains `architecture` (the proxy network itself) from scratch and validates it once, at the end.

    device: "" for the proxy's. on_epoch(epoch, loss) is called after each epoch, counted from 1, with its
    training loss; the accuracy half-way down a schedule says little about that at its end.

    On a CPU the result depends on these arguments and the number of threads alone, to the bit, and torch's
    global generators are left as they were. Raises `TrialFailed` when a loss is not a finite number.
    """
    place = choose_device(device or proxy.device)
    started, cpu_started = time.perf_counter(), time.thread_time()
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(2 * seed)  # weights and dropout; the data have 2 * seed + 1
        network = build(architecture, dropout=proxy.dropout, drop_path=proxy.drop_path)
        begin(network)
        network.to(place).to(memory_format=torch.channels_last)
        training = time.perf_counter()
        average = Average(network, proxy.ema) if proxy.ema else None
        curve, images = fit(network, data, proxy, seed, place, on_epoch, average)
        rate = images / (time.perf_counter() - training)
        if average:
            network.load_state_dict(average.tensors)
        if proxy.recalibrate_bn:
            recalibrate(network, data, place, proxy.recalibrate_bn)
        found = validate(network, data, place, proxy.validation_images, flip_tta=proxy.flip_tta)
    if not math.isfinite(found.loss):
        raise TrialFailed(f"The validation loss is {found.loss}.")
    wall, cpu = time.perf_counter() - started, time.thread_time() - cpu_started
    return Training(found.accuracy, found.loss, curve, images, wall, cpu, rate, found.top5)


def begin(network: Network) -> None:
    """Changes fresh weights to ones from which a short training gets further.

    The classifier begins at 0, and so the loss at chance: the published +-1 / sqrt(classes) is meant for 1000
    classes. Each residual branch begins by adding nothing (Goyal et al. 2017, arXiv:1706.02677, section 5.1),
    except before an activation that would let no gradient back through an exact 0.
    """
    nn.init.zeros_(network.get_submodule("head.classifier").get_parameter("weight"))
    for block in plan(network.architecture):
        last = block.convs[-1]
        if block.shortcut and last.norm and last.act not in ("relu", "relu6"):
            nn.init.zeros_(network.get_submodule(f"{block.name}.{last.name}.norm").get_parameter("weight"))


def fit(
    network: nn.Module,
    data: Dataset,
    proxy: Proxy,
    seed: int,
    device: torch.device,
    on_epoch: OnEpoch = lambda epoch, loss: None,
    average: Average | None = None,
) -> tuple[tuple[float, ...], int]:
    """Trains `network` in place. Returns the loss of every epoch and how many images it has seen.

    average: takes in the weights after every step.
    """
    # The order of the images and their augmentation are the same for every network with this seed.
    generator = torch.Generator().manual_seed(2 * seed + 1)
    count = min(proxy.images or len(data.train), len(data.train))
    batches = max(1, count // proxy.batch)
    fetch = fetcher(data.train, count, device)
    labelled = torch.tensor(data.train.labels[:count])
    weights = class_weights(labelled, len(data.classes)).to(device) if data.balance == "loss" else None
    update = _updater(network, proxy, proxy.epochs * batches, device, weights)
    curve: list[float] = []
    for epoch in range(proxy.epochs):
        losses: list[Tensor] = []
        # Batches of equal size, up to one image: all images take part, and none makes up a batch of its own.
        for indices in epoch_order(labelled, data.balance, generator).tensor_split(batches):
            images, labels = fetch(indices)
            flip = mirrored(indices, epoch, seed) if data.flip else None
            inputs = augment(images, data.mean, data.std, generator, flip=flip, shift=proxy.shift)
            losses.append(update(inputs, labels))
            if average:
                average.update(network, epoch * batches + len(losses))
            if len(losses) % _LOOK == 0:
                _require_finite(losses, epoch)
        curve.append(_require_finite(losses, epoch))
        on_epoch(epoch + 1, curve[-1])
    return tuple(curve), proxy.epochs * count


def _updater(
    network: nn.Module, proxy: Proxy, steps: int, device: torch.device, weights: Tensor | None
) -> Callable[[Tensor, Tensor], Tensor]:
    """update(inputs, labels) takes the next of `steps` steps and returns its loss.

    weights: how much an image of each class counts (classes,); None: all the same.
    """
    optimiser = optimiser_of(network, proxy)
    dtype = precision_on(device, proxy.precision)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
    taken = itertools.count()
    network.train()

    def update(inputs: Tensor, labels: Tensor) -> Tensor:
        rate = proxy.learning_rate * triangle((next(taken) + 0.5) / steps, proxy.warmup)
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            logits = network(inputs)
        smoothing = proxy.label_smoothing
        if weights is None:
            loss = functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
        else:
            # Not by `weight=`, which divides by the weights in the batch: an image would count by its company.
            each = functional.cross_entropy(
                logits.float(), labels, label_smoothing=smoothing, reduction="none"
            )
            loss = (each * weights[labels]).mean()
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        return loss.detach()

    return update


def triangle(progress: float, warmup: float) -> float:
    """The learning rate over its peak at `progress` 0..1: up to 1 in the first `warmup` of it, then to 0."""
    return min(progress / warmup if warmup else 1.0, (1 - progress) / (1 - warmup))


def optimiser_of(network: nn.Module, proxy: Proxy) -> torch.optim.Optimizer:
    """AdamW, which decays no biases and no scales of normalisation."""
    weights = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": proxy.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    # One kernel for all parameters, where there is one: a small network has hundreds of tiny ones.
    fused = weights[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(groups, proxy.learning_rate, betas=(proxy.momentum, _BETA2), fused=fused)


@torch.no_grad()
def recalibrate(network: nn.Module, data: Dataset, device: torch.device, count: int) -> None:
    """Takes the statistics of normalisation anew, over the first `count` training images as they are."""
    count = min(count, len(data.train))
    fetch = fetcher(data.train, count, device)
    batches = torch.arange(count).tensor_split(-(-count // _VALIDATED))
    update_bn((normalise(fetch(indices)[0], data.mean, data.std) for indices in batches), network)


@torch.inference_mode()
def validate(
    network: nn.Module,
    data: Dataset,
    device: torch.device,
    most: int | None = None,
    *,
    flip_tta: bool = False,
) -> Validation:
    """The figures on the validation split, on `most` images of it at most.

    flip_tta: whether logits are means of an image's and its mirror image's, where the data may be mirrored.
    """
    network.eval()
    count = min(most or len(data.validation), len(data.validation))
    fetch = fetcher(data.validation, count, device)
    places, loss = [], 0.0
    for indices in torch.arange(count).tensor_split(-(-count // _VALIDATED)):
        images, labels = fetch(indices)
        inputs = normalise(images, data.mean, data.std)
        logits = network(inputs)
        if flip_tta and data.flip:
            logits = (logits + network(inputs.flip(3))) / 2
        places.append(ranks(logits, labels))
        loss += float(functional.cross_entropy(logits, labels, reduction="sum"))
    place, classes = torch.cat(places).cpu(), torch.tensor(data.validation.labels[:count])
    top1, top5 = (accuracy(place < first, classes, balanced=data.balance is not None) for first in (1, 5))
    return Validation(top1, loss / count, top5 if len(data.classes) > 5 else None)


def _require_finite(losses: list[Tensor], epoch: int) -> float:
    """The mean of an epoch's `losses` so far. Raises `TrialFailed` if one of them is not a finite number."""
    values: list[float] = torch.stack(losses).tolist()
    for step, value in enumerate(values):
        if not math.isfinite(value):
            raise TrialFailed(f"The training loss became {value} at step {step + 1} of epoch {epoch + 1}.")
    return math.fsum(values) / len(values)


def choose_device(name: str) -> torch.device:
    """The device called `name`; for "auto" the first GPU, else the CPU. Raises `UserError` if there is none."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"There is no device {name!r} here: torch sees {torch.cuda.device_count()} CUDA devices."
        )
    return device


def precision_on(device: torch.device, precision: Precision) -> torch.dtype:
    """What convolutions compute in. Half precision makes a GPU faster; a CPU it makes slower, as a rule."""
    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
