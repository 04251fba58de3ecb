"""Write a network for others: its architecture as data, and as one Python file that needs torch alone."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from textwrap import indent
from types import FunctionType, ModuleType
from typing import Any

from search.files import write_file
from space import Architecture, Block, Refused, cost, plan
from space.blocks import BLOCKS
from space.conv import Conv, Layer, Step


def save(name: str, architecture: Architecture, directory: Path, *, onnx: bool = False) -> Path:
    """Write `architecture` into the folder `name` of `directory`, and return that folder.

    architecture.json: a document that `--base` reads. architecture.txt: the canonical string. network.py:
    a class `Network` that imports torch only. With `onnx`, network.onnx too, see `scaling.onnx_file`.
    Raises `Refused` if a file cannot be written.
    """
    folder = directory / name
    files: dict[str, str | bytes] = {
        "architecture.json": json.dumps(asdict(architecture), indent=1) + "\n",
        "architecture.txt": f"{architecture}\n",
        "network.py": source(name, architecture),
    }
    if onnx:
        from scaling.onnx_file import onnx_file

        files["network.onnx"] = onnx_file(architecture)
    for file, content in files.items():
        write_file(folder / file, content)
    return folder


def source(name: str, architecture: Architecture) -> str:
    """The text of network.py: the plan of `architecture` spelled out, and how its blocks are joined.

    State dicts of `space.build` fit it, and the other way round. Raises `Refused` for a block family whose
    `forward` cannot be copied.
    """
    stem, *blocks, head = plan(architecture)
    spent, pixels = cost(architecture), architecture.resolution
    stages: list[list[Block]] = [[] for _ in architecture.stages]
    for block in blocks:
        stages[int(block.name.split(".")[1])].append(block)
    classifier = head.convs[-1]
    return _TEMPLATE.format(
        # A file may be called anything, and its name stands in a docstring.
        name=name.replace("\\", "/").replace('"', "'"),
        architecture="\n/".join(str(architecture).split("/")),
        facts=f"{len(blocks)} blocks, {spent.params:,} parameters and {spent.macs:,} multiply-adds for an "
        f"image of\n{pixels} x {pixels} pixels.",
        channels=architecture.channels,
        pixels=pixels,
        functions="\n\n".join(_functions({block.op for block in blocks})),
        total=len(blocks),
        stem=_chain(stem.layers),
        stages="\n".join(map(_stage, stages)),
        head=_chain(head.layers[:-1]),
        classifier=f"{classifier.width_in}, {classifier.width}, {classifier.bias}",
    )


def _stage(blocks: list[Block]) -> str:
    lines = ["            nn.Sequential("]
    for (op, planned, shortcut), equal in groupby(blocks, lambda b: (b.op, b.layers, b.shortcut)):
        times = len(list(equal))
        layers = "".join(f"\n    {layer.name}={_layer(layer)}," for layer in planned)
        text = f"Block(\n    {op}_block,\n    next(drop),\n    shortcut={shortcut},{layers}\n)"
        lines.append(indent(f"*({text} for _ in range({times}))," if times > 1 else f"{text},", " " * 16))
    return "\n".join([*lines, "            ),"])


def _chain(layers: tuple[Layer, ...]) -> str:
    return ", ".join(f"{layer.name}={_layer(layer)}" for layer in layers)


def _layer(layer: Layer) -> str:
    return _step(layer) if isinstance(layer, Step) else _conv(layer)


def _step(step: Step) -> str:
    if step.kind == "act":
        return "nn.ReLU()" if step.act == "relu" else f'ACTIVATIONS["{step.act}"]()'
    if step.kind == "shuffle":
        return f"Shuffle({step.groups})"
    if step.kind == "scale":
        return f"Scale({step.factor!r})"
    return f'pool("{step.kind}", {step.kernel}, {step.stride}, "{step.padding}")'


def _conv(conv: Conv) -> str:
    kernel = conv.kernel[0] if conv.kernel[0] == conv.kernel[1] else conv.kernel
    options: dict[str, Any] = {"stride": (conv.stride, 1), "groups": (conv.groups, 1)}
    options |= {"dilation": (conv.dilation, 1), "padding": (conv.padding, "same"), "bias": (conv.bias, False)}
    options |= {"norm": (conv.norm, True), "act": (conv.act, ""), "pooled": (conv.pooled, False)}
    given = "".join(f", {key}={value!r}" for key, (value, usual) in options.items() if value != usual)
    return f"conv({conv.width_in}, {conv.width}, {kernel}{given})".replace("'", '"')


def _functions(ops: set[str]) -> Iterator[str]:
    """The source of each family's `forward`, called OP_block, after the functions and constants it uses."""
    written: dict[str, Any] = {}
    for op in sorted(ops):
        forward = BLOCKS[op].forward
        yield from _needed(op, forward, written)
        yield _text(forward).replace("def forward(", f"def {op}_block(", 1)


def _needed(op: str, function: Callable[..., Any], written: dict[str, Any]) -> Iterator[str]:
    assert isinstance(function, FunctionType)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if value is None or isinstance(value, ModuleType) or written.get(name) is value:
            continue
        if name in written or not isinstance(value, (FunctionType, int, float, str, tuple)):
            raise Refused(f"Op {op} cannot be written as a file of its own: its forward uses {name}.")
        written[name] = value
        if isinstance(value, FunctionType):
            yield from _needed(op, value, written)
            yield _text(value)
        else:
            yield f"{name} = {value!r}\n"


def _text(function: Callable[..., Any]) -> str:
    return inspect.getsource(function).rstrip() + "\n"


_TEMPLATE = '''"""{name}: an image classifier, written by Compound NAS. Needs torch alone.

{architecture}

{facts}

    network = Network()
    network.load_state_dict(torch.load("weights.pt", weights_only=True))
    logits = network(images)  # (batch, {channels}, {pixels}, {pixels})
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from math import sqrt

import torch
from torch import Tensor, nn

ACTIVATIONS = {{
    "silu": nn.SiLU,
    "relu": partial(nn.ReLU, inplace=True),
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
}}


class Mean(nn.Module):
    """The spatial mean as a map of one pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


def conv(
    width_in,
    width,
    kernel,
    stride=1,
    groups=1,
    dilation=1,
    padding="same",
    bias=False,
    norm=True,
    act="",
    pooled=False,
) -> nn.Sequential:
    """A convolution with the normalisation and activation that follow it."""
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    pad = tuple(dilation * (side - 1) // 2 if padding == "same" else 0 for side in kernel)
    layers = OrderedDict()
    if pooled:
        layers["pool"] = Mean()
    layers["conv"] = nn.Conv2d(width_in, width, kernel, stride, pad, dilation, groups, bias)
    if norm:
        layers["norm"] = nn.BatchNorm2d(width, eps=1e-3, momentum=0.1)
    if act:
        layers["act"] = ACTIVATIONS[act]()
    return nn.Sequential(layers)


class Shuffle(nn.Module):
    """Channels of equal groups, interleaved."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        y = x.permute(0, 2, 3, 1).unflatten(3, (self.groups, -1))
        return y.transpose(3, 4).flatten(3).permute(0, 3, 1, 2)


class Scale(nn.Module):
    """Its input times `factor`."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class SameMaxPool(nn.MaxPool2d):
    """Max-pooling padded as TensorFlow does: where one side must have more, it is the far one."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // self.stride) - 1) * self.stride + self.kernel_size - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(x, pads, value=float("-inf")))


def pool(kind: str, kernel: int, stride: int, padding: str) -> nn.Module:
    """Max or mean over `kernel` x `kernel` pixels."""
    if kind == "max" and padding == "same":
        return SameMaxPool(kernel, stride)
    pad = 0 if padding == "valid" else kernel // 2
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, pad)
    return nn.AvgPool2d(kernel, stride, pad, count_include_pad=kind == "avg")


Layers = nn.ModuleDict


{functions}

class Block(nn.ModuleDict):
    """Convolutions joined by `join`, with the shortcut around them; `drop` skips samples in training."""

    def __init__(self, join, drop: float, shortcut: bool, **layers: nn.Module) -> None:
        super().__init__(layers)
        self.join, self.drop, self.shortcut = join, drop, shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.join(self, x)
        if not self.shortcut:
            return y
        if self.training and self.drop:
            keep = torch.empty((y.shape[0], 1, 1, 1), dtype=y.dtype, device=y.device)
            y = y * keep.bernoulli_(1 - self.drop).div_(1 - self.drop)
        return y + x


class Classifier(nn.Linear):
    """Logits from the spatial mean of a map."""

    def __init__(self, width_in: int, width: int, bias: bool, dropout: float) -> None:
        super().__init__(width_in, width, bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.dropout(x.mean((2, 3))))


def initialise(module: nn.Module) -> None:
    """EfficientNet's initial weights."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=sqrt(2 / (module.weight[:, 0].numel() // module.groups)))
    elif isinstance(module, Classifier):
        nn.init.uniform_(module.weight, -1 / sqrt(module.out_features), 1 / sqrt(module.out_features))
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


class Network(nn.Module):
    """dropout: of the features before the classifier. drop_path: of blocks, rising from 0 to this rate."""

    def __init__(self, dropout: float = 0.0, drop_path: float = 0.0) -> None:
        super().__init__()
        drop = (drop_path * i / {total} for i in range({total}))
        self.stem = nn.Sequential(OrderedDict({stem}))
        self.stages = nn.ModuleList((
{stages}
        ))
        self.head = nn.Sequential(OrderedDict({head}))
        self.head.add_module("classifier", Classifier({classifier}, dropout))
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)
'''
