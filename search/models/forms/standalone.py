"""A network as one Python file that needs torch alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import groupby
from textwrap import indent
from types import FunctionType, ModuleType
from typing import Any

from search.models.forms.library import in_docstring
from search.models.forms.template import TEMPLATE
from search.models.model import Model
from space import Block, UserError, cost, plan
from space.blocks import BLOCKS
from space.conv import Conv, Layer, Step
from space.network import modules

_MODULES = ("Mean", "SameConv", "Shuffle", "Scale", "SameMaxPool", "InceptionConv", "_same", "pool")
"""The definitions of `space.network.modules` that are copied into network.py."""


def python_file(name: str, model: Model) -> str:
    """Return the text of network.py: the planned layers, the forward functions of the blocks, and the conventions.

    Its state dicts are those of `space.build`. Raises `UserError` for a block family whose `forward` cannot be
    copied.
    """
    architecture, conventions = model.architecture, model.weights.conventions
    stem, *blocks, head = plan(architecture)
    spent, pixels = cost(architecture), architecture.resolution
    stages: list[list[Block]] = [[] for _ in architecture.stages]
    for block in blocks:
        stages[int(block.name.split(".")[1])].append(block)
    classifier = head.convs[-1]
    return TEMPLATE.format(
        name=in_docstring(name),
        architecture="\n/".join(str(architecture).split("/")),
        facts=f"{len(blocks)} blocks, {spent.params:,} parameters and {spent.macs:,} multiply-adds for an "
        f"image of\n{pixels} x {pixels} pixels.",
        channels=architecture.channels,
        fed=model.fed.resolution,
        mean=_numbers(conventions.mean),
        std=_numbers(conventions.std),
        padding=conventions.padding,
        norm_eps=conventions.norm_eps,
        norm_momentum=conventions.norm_momentum,
        modules="\n\n".join(inspect.getsource(getattr(modules, name)) for name in _MODULES).rstrip(),
        functions="\n\n".join(_functions({block.op for block in blocks})),
        total=len(blocks),
        stem=_chain(stem.layers),
        stages="\n".join(map(_stage, stages)),
        head=_chain(head.layers[:-1]),
        classifier=f"{classifier.width_in}, {classifier.width}, {classifier.bias}",
    )


def _numbers(values: tuple[float, ...]) -> str:
    return f"({', '.join(f'{value:.6g}' for value in values)})"


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
    options |= {
        "dilation": (conv.dilation, 1),
        "dilations": (conv.dilations, ()),
        "padding": (conv.padding, "same"),
        "bias": (conv.bias, False),
    }
    options |= {"norm": (conv.norm, True), "act": (conv.act, ""), "pooled": (conv.pooled, False)}
    given = "".join(f", {key}={value!r}" for key, (value, usual) in options.items() if value != usual)
    return f"conv({conv.width_in}, {conv.width}, {kernel}{given})".replace("'", '"')


def _functions(ops: set[str]) -> Iterator[str]:
    """Yield, for each of `ops`, the sources of what its `forward` uses, then `forward` with the name `<op>_block`."""
    written: dict[str, Any] = {}
    for op in sorted(ops):
        forward = BLOCKS[op].forward
        yield from _needed(op, forward, written)
        yield _text(forward).replace(f"def {forward.__name__}(", f"def {op}_block(", 1)


def _needed(op: str, function: Callable[..., Any], written: dict[str, Any]) -> Iterator[str]:
    assert isinstance(function, FunctionType)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if value is None or isinstance(value, ModuleType) or written.get(name) is value:
            continue
        if name in written or not isinstance(value, (FunctionType, int, float, str, tuple)):
            raise UserError(f"Op {op} cannot be written as a file of its own: its forward uses {name}.")
        written[name] = value
        if isinstance(value, FunctionType):
            yield from _needed(op, value, written)
            yield _text(value)
        else:
            yield f"{name} = {value!r}\n"


def _text(function: Callable[..., Any]) -> str:
    return inspect.getsource(function).rstrip() + "\n"
