"""The layers that lose most in int8, the size of the weights, and the latency compared with float32."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from search.models.int8.graph import Graph
from search.models.int8.quantizer import Inputs, Quantized, computed, divergence, quantize_nodes
from search.models.onnx_session import Session
from space.architecture import Architecture
from space.timing.clock import settled, timer_of, undisturbed
from space.timing.ratio import median_and_spread

_SHARE = 0.1
"""A layer quantises badly if its `LayerLoss.share` is at least this."""
_NAMED = 5
"""The largest number of badly quantised layers that are named."""
_WARMUP, _PAIRS, _SETTLED_MS = 20, 41, 20.0
"""The numbers of untimed runs of each model and of pairs of timings, and the least milliseconds of a timing."""


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """The loss from quantising one layer alone.

    divergence: the divergence of the model with this layer in int8 from the float32 model, in nats. share: the
    divergence as a share of the sum over all layers.
    """

    name: str
    divergence: float
    share: float


@dataclass(frozen=True, slots=True)
class Speed:
    """The latency of two models, one image and one thread, measured in turns.

    float_ms, int8_ms: the median milliseconds (CPU time). ratio: the median of int8 over float32. spread: half the
    width of the ratio's 95 % interval, as a share of the ratio. pairs: the number of timings of each.
    """

    float_ms: float
    int8_ms: float
    ratio: float
    spread: float
    pairs: int


def worst_layers(graph: Graph, model: Quantized, images: Inputs) -> tuple[LayerLoss, ...]:
    """Return the layers that quantise badly, up to `_NAMED` of them, the worst first.

    Each layer, except those that `model` keeps in float32, is computed on `images` as the only one in int8. A layer
    quantises badly if it causes at least `_SHARE` of the sum of these losses.
    """
    expected = computed(graph.float32, images)
    losses = {}
    for layer in graph.layers:
        if layer.name not in model.kept:
            alone = quantize_nodes(graph, model.ranges, reduced=model.reduced, only=layer.nodes)
            losses[layer.name] = divergence(expected, computed(alone, images))
    total = math.fsum(losses.values()) or 1.0
    worst = sorted(losses, key=lambda name: -losses[name])[:_NAMED]
    rows = (LayerLoss(name, losses[name], losses[name] / total) for name in worst)
    return tuple(row for row in rows if row.share >= _SHARE)


def remedies(architecture: Architecture, layers: tuple[LayerLoss, ...]) -> tuple[str, ...]:
    """Return short pieces of advice against a loss of accuracy in int8; () if there is no advice.

    They depend on the network's activations and squeeze-excitation, and on the names of `layers`.
    """
    acts, squeezed = {architecture.stem.act, architecture.head.act}, False
    for stage in architecture.stages:
        acts.add(stage.act)
        squeezed |= bool(stage.se)
    advice = []
    if "silu" in acts:
        advice.append("act: relu6 or hardswish instead of silu, which loses more in int8")
    if squeezed:
        advice.append("no squeeze-excitation (se: 0), whose products have a wide range")
    names = {layer.name for layer in layers}
    if any(name.startswith("stem") for name in names):
        advice.append("--float32 first")
    if any(name.startswith("head.classifier") for name in names):
        advice.append("--float32 classifier")
    return tuple(advice)


def weight_bytes(content: bytes) -> int:
    """Return the bytes of all weights and constants in an ONNX model."""
    import onnx

    tensors = onnx.load_from_string(content).graph.initializer
    return sum(onnx.numpy_helper.to_array(tensor).nbytes for tensor in tensors)


def speed(float32: bytes, int8: bytes, image: Inputs) -> Speed:
    """Return the latency of both models on `image` (1, channels, height, width), measured in turns.

    Both run on one thread of the CPU.
    """
    place = torch.device("cpu")
    sessions = [Session(content, image) for content in (float32, int8)]
    with undisturbed(place):
        timer = settled(timer_of(place), _SETTLED_MS)
        for session in sessions:
            for _ in range(_WARMUP):
                session.run()
        pairs = [[timer(session.run)[0] for session in sessions] for _ in range(_PAIRS)]
    own, other = (float(np.median(column)) for column in zip(*pairs, strict=True))
    ratio, spread = median_and_spread([after / before for before, after in pairs])
    return Speed(own, other, ratio, spread, len(pairs))
