"""The texts that `scale` prints on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scaling.compound import Coefficients
from scaling.model import ScaledModel
from scaling.nearest import NEAR, differences, near
from search.tables.selection import filled
from search.tables.table import Column, Row
from search.tables.units import si
from space import Architecture, Rounding, Stage, parts


def aligned(rows: Sequence[Sequence[str]], left: Iterable[int] = (0,)) -> str:
    """Return `rows` of cells as lines of aligned columns.

    left: the numbers of the columns that align left; the others align right.
    """
    left = set(left)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Return `rows` as lines with a heading, without the columns that are empty in all rows."""
    shown = filled(rows, columns)
    cells = [
        [column.heading for column in shown],
        *([c.shown(row.get(c.key)) for c in shown] for row in rows),
    ]
    words = [i for i, c in enumerate(shown) if all(isinstance(row.get(c.key, ""), str) for row in rows)]
    return aligned(cells, words)


def answer(model: ScaledModel, rounding: Rounding) -> str:
    """Return the text about one scaled network: its rule, growth, stages, and the nearest published network.

    rounding: the rounding that `model` was scaled with.
    """
    return "\n\n".join(
        (
            _title(model, rounding),
            aligned(list(_growth(model)), (0, 3)),
            stage_table(model.architecture, model.base.architecture, model.base.name),
            _comparison(model),
            f"Architecture: {model.architecture}",
        )
    )


def stage_table(architecture: Architecture, base: Architecture, name: str) -> str:
    """Return the table of the stages of `architecture`, next to the depths and widths of a base.

    name: the name of the base.
    """
    head = ["part", "op", "depth", "kernel", "stride", "expand", "se", "width", "pixels", "params", "MACs"]
    before = dict(_depth_and_width(base))
    rows = [[*head, name]]
    for row, (place, text) in zip(parts(architecture), _depth_and_width(architecture), strict=True):
        stage = row.part if isinstance(row.part, Stage) else None
        fields = (
            [stage.op, stage.depth, stage.kernel, stage.stride, f"{stage.expand:g}", f"{stage.se:g}"]
            if stage
            else ["conv", "", getattr(row.part, "kernel", 1), getattr(row.part, "stride", 1), "", ""]
        )
        costs = [si(row.cost.params), si(row.cost.macs)]
        was = before.get(place, "-")
        rows.append(
            [place, *map(str, fields), str(row.width), str(row.size), *costs, "=" if was == text else was]
        )
    return aligned(rows, (0, 1))


def _depth_and_width(architecture: Architecture) -> Iterator[tuple[str, str]]:
    yield "stem", str(architecture.stem.width)
    for number, stage in enumerate(architecture.stages):
        yield f"stages.{number}", f"{stage.depth} x {stage.width}"
    yield "head", str(architecture.head.width)


def _title(model: ScaledModel, rounding: Rounding) -> str:
    law = model.rule.law
    constants = f" ({law})" if isinstance(law, Coefficients) else ""
    limit = f", at least {rounding.limit:g} of the exact width" if rounding.limit else ""
    depth = "rounded up" if rounding.depth == "ceil" else "rounded to the nearest"
    pixels = f"multiples of {rounding.resolution} pixels" if rounding.resolution > 1 else "whole pixels"
    rule = f"rule {model.rule.name}{constants}: {model.rule.summary}"
    return (
        f"{model.base.name} at phi = {model.phi:g}, {rule}.\n"
        f"The result of a formula, not taken from a publication. Source of the rule: {model.rule.source}.\n"
        f"Rounding: widths to multiples of {rounding.divisor}{limit}; depths {depth}; {pixels}."
    )


def _growth(model: ScaledModel) -> Iterator[tuple[str, str, str, str]]:
    scaled, base = model.architecture, model.base.architecture
    asked, obtained, now, then = model.multipliers, model.obtained, model.cost, model.base_cost
    train = f", trained at {model.train_resolution}" if model.train_resolution != scaled.resolution else ""
    yield "", "multiplier", "obtained", f"{model.base.name} -> this"
    yield "depth", f"{asked.depth:.3f}", f"{obtained.depth:.3f}", f"{base.depth} -> {scaled.depth} blocks"
    yield "width", f"{asked.width:.3f}", f"{obtained.width:.3f}", "mean over stages"
    pixels = f"{base.resolution} -> {scaled.resolution} pixels{train}"
    yield "resolution", f"{asked.resolution:.3f}", f"{obtained.resolution:.3f}", pixels
    macs = f"{then.macs:,} -> {now.macs:,} (target: 2^phi)"
    yield "MACs", f"{2**model.phi:.3f}", f"{model.macs_growth:.3f}", macs
    yield "params", "", f"{model.params_growth:.3f}", f"{then.params:,} -> {now.params:,}"
    activations = now.activations / then.activations
    yield "activations", "", f"{activations:.3f}", f"{then.activations:,} -> {now.activations:,}"


def _comparison(model: ScaledModel) -> str:
    published = near(model.architecture)
    if published is None:
        return f"No published network has params and MACs within a factor of {NEAR:g}."
    changes = differences(model.architecture, published)
    if not changes:
        return f"Nearest published network: {published.name}, the same network ({published.source})."
    lines = "\n".join(f"  {line}" for line in changes)
    return f"Nearest published network: {published.name} ({published.source}). The scaled network differs:\n{lines}"
