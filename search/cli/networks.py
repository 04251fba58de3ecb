"""Spaces, networks and data as tables for the terminal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from search.cli.table import table
from search.data.report import Report
from search.profiles import Predictor
from search.profiles.lookup import here, latency_profile, serving
from search.tables.table import Column
from search.tables.units import plural
from space import Architecture, Cost, Space, UserError, cost, parts
from space.cost.cost import Part
from space.cost.table import COSTS

_STAGES = (
    Column("name", "Part"),
    Column("op", "Op"),
    Column("depth", "Depth", form="d"),
    Column("kernel", "Kernel", form="d"),
    Column("stride", "Stride", form="d"),
    Column("expand", "Expand"),
    Column("se", "SE"),
    Column("width", "Width", form="d"),
    Column("size", "Size", "px"),
    Column("params", "Params", form=",d"),
    Column("macs", "MACs", form=",d"),
    Column("activations", "Activations", form=",d"),
)
_FVCORE = (
    Column("fvcore_params", "Params by fvcore", form=",d"),
    Column("fvcore_macs", "MACs by fvcore", form=",d"),
)


def show_space(space: Space) -> Iterator[RenderableType]:
    """Yield the stages of a space with their choices, the number of its networks, and the ranges of their costs.

    The costs include step times and latencies if a profile predicts them.
    """
    stages = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Stage", "Op", "Kernel", "Expand", "Depth", "Stride", "Width", "SE"):
        stages.add_column(title)
    for number, options in enumerate(space.stages):
        fields = ("op", "kernel", "expand", "depth", "stride", "width", "se")
        stages.add_row(
            str(number), *(_options(getattr(stage, field) for stage in options) for field in fields)
        )
    frames = space.frames
    yield f"space {space.name}: {space.size:,} distinct networks, {len(space.choices)} choices"
    yield (
        f"resolution {_options(frame.resolution for frame in frames)},"
        f" stem width {_options(frame.stem.width for frame in frames)}"
        f" stride {_options(frame.stem.stride for frame in frames)},"
        f" head {_options(frame.head.width for frame in frames)},"
        f" classes {_options(frame.classes for frame in frames)}"
    )
    yield stages
    yield "params {:,} to {:,}".format(*space.range.params)
    yield "MACs   {:,} to {:,}".format(*space.range.macs)
    yield "activations {:,} to {:,}".format(*space.range.activations)
    for kind, profile in (("training step", serving(space, here())), ("latency", latency_profile(space))):
        if profile:
            low, high = map(COSTS[profile.cost].text, Predictor(profile).range(space))
            yield (
                f"{kind} {low} to {high} on {plural(profile.batch, 'image')}, predicted by the profile of "
                f"{profile.made}"
            )


def _options(values: Any) -> str:
    distinct = list(dict.fromkeys(values))
    return " ".join(map(str, distinct if isinstance(distinct[0], str) else sorted(distinct)))


def show_network(architecture: Architecture) -> Iterator[RenderableType]:
    """Yield the table of a network's stages, with our exact costs and fvcore's counts on the built network."""
    counted = fvcore_counts(architecture)
    rows: list[dict[str, Any]] = []
    for part in parts(architecture):
        rows.append({**_row(part), **counted[part.name]})
    total = cost(architecture)
    rows.append({"name": "total", **_costs(total), **counted["total"]})
    agree = all(row["params"] == row["fvcore_params"] and row["macs"] == row["fvcore_macs"] for row in rows)
    yield str(architecture)
    yield f"resolution {architecture.resolution}, classes {architecture.classes}, digest {architecture.digest}"
    yield table(rows, (*_STAGES, *_FVCORE))
    yield (
        "our counts and fvcore's agree on every part (convolutions and classifier; a multiply-add counts 1)"
        if agree
        else "our counts and fvcore's DISAGREE: please report this network"
    )


def _row(part: Part) -> dict[str, Any]:
    fields = ("op", "depth", "kernel", "stride", "expand", "se", "width")
    values = {field: getattr(part.part, field, None) for field in fields}
    return {"name": part.name, **values, "size": f"{part.size_in} -> {part.size}", **_costs(part.cost)}


def _costs(costs: Cost) -> dict[str, int]:
    return {"params": costs.params, "macs": costs.macs, "activations": costs.activations}


def fvcore_counts(architecture: Architecture) -> dict[str, dict[str, int]]:
    """Return fvcore's params and MACs (operators conv and linear) of each part of the built network and in total.

    Raises `UserError` for a network too large to build.
    """
    import torch

    with warnings.catch_warnings():
        # On import fvcore compiles TorchScript, which torch has deprecated.
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis, parameter_count

        from space.network.network import build

        size = architecture.resolution
        try:
            network = build(architecture).eval()
            analysis = FlopCountAnalysis(network, torch.zeros(1, architecture.channels, size, size))
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
            macs, params = analysis.by_module_and_operator(), parameter_count(network)
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            raise UserError(
                f"A network of {cost(architecture).params:,} params is too large for this machine to build."
            ) from None
    modules = {"total": "", **{part.name: part.name for part in parts(architecture)}}
    return {
        name: {
            "fvcore_params": int(params[module]),
            "fvcore_macs": int(sum(macs[module].get(operator, 0) for operator in ("conv", "linear"))),
        }
        for name, module in modules.items()
    }


def show_classes(report: Report) -> RenderableType:
    """Return a table of the number of images of each class in each split."""
    counts = report.counts
    rows = [
        {"class": name, **{split: count[number] for split, count in counts.items()}}
        for number, name in enumerate(report.manifest.classes)
    ]
    columns = [Column("class", "Class"), *(Column(split, split.capitalize(), form=",d") for split in counts)]
    return table(rows, columns)
