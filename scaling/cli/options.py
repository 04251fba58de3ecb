"""The options of the command `scale`, in the groups that its help tells them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from scaling.cli import types as quantities
from scaling.rows import ALL_COLUMNS
from scaling.rules import RULES
from search.cli import completers as completion
from search.tables.writing import FORMATS

_F = TypeVar("_F", bound=Callable[..., Any])


def _reads(read: Callable[[str], Any]) -> Callable[..., Any]:
    """A callback for options whose text `read` understands. (As a `type`, click would hide its refusals.)"""
    return lambda context, option, text: None if text is None else read(text)


FILE = click.Path(path_type=Path)
COUNT: dict[str, Any] = {"metavar": "N", "callback": _reads(quantities.count)}


def _options(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    def add(function: _F) -> _F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


WHAT = _options(
    click.option("--phi", type=float, help="How far to scale: 0 is the base, below 0 is smaller."),
    click.option(
        "--family",
        "phis",
        metavar="PHIS",
        callback=_reads(lambda text: text if text[:1].isalpha() else quantities.phis(text)),
        help="Several at once: 1..7, 0..3:0.5, -1,0,1. With --published, the name of a family: mobilenet, "
        "shufflenet, inception, ..., or all; if not given, the base's.",
    ),
    click.option("--published", is_flag=True, help="Published networks; beside others, for comparison."),
    click.option(
        "--base",
        default="b0",
        show_default=True,
        shell_complete=completion.networks,
        help="A published network's name (first of all, even where a file is called so), a YAML or JSON file, "
        "a canonical string, block strings with commas between, or a search: runs/NAME for its best, "
        "runs/NAME:12 for a trial.",
    ),
)
HOW = _options(
    click.option(
        "--rule",
        metavar="RULE",
        shell_complete=completion.words(RULES),
        help="One of the rules above. If not given: compound; for a budget or a figure, all.",
    ),
    click.option("--alpha", type=float, help="Depth's coefficient, at least 1."),
    click.option("--beta", type=float, help="Width's coefficient."),
    click.option("--gamma", type=float, help="Resolution's coefficient."),
    click.option(
        "--coefficients",
        type=FILE,
        metavar="FILE",
        help="The coefficients that a fit wrote, with their rule and rounding.",
    ),
    click.option("--share", type=float, help="Rule fast: width's share of the growth (0.8)."),
)
BUDGET = _options(
    click.option("--max-macs", **COUNT, help="Multiply-adds for one image: 2e9, 400M, 2.5G."),
    click.option("--max-params", **COUNT, help="Trainable parameters."),
    click.option("--max-activations", **COUNT, help="Outputs of all convolutions."),
    click.option(
        "--max-step-ms",
        metavar="MS",
        type=click.FloatRange(0, min_open=True),
        help="A training step on this device, by its profile: search profile --help.",
    ),
    click.option(
        "--profile",
        type=FILE,
        metavar="FILE",
        help="Whose step times the table has; with --max-step-ms, if not given, this device's.",
    ),
)
ROUNDING = _options(
    click.option("--divisor", type=click.IntRange(1, 1024), help="Widths become multiples of it (8)."),
    click.option("--limit", type=click.FloatRange(0, 1), help="The least share of a width's exact product."),
    click.option(
        "--depth-rounding",
        "depth",
        type=click.Choice(["ceil", "round"]),
        help="Blocks: up, or to the nearest.",
    ),
    click.option(
        "--resolution-multiple",
        "resolution",
        type=click.IntRange(1, 1024),
        help="Pixels become multiples of it.",
    ),
)
OUTPUT = _options(
    click.option(
        "--format",
        "format_",
        metavar="FORMAT",
        shell_complete=completion.formats(),
        help=f"A table as {', '.join(FORMATS)}.",
    ),
    click.option(
        "--out", type=FILE, metavar="FILE", help="Write the table there; its ending says the format."
    ),
    click.option(
        "--columns",
        metavar="KEY,...",
        shell_complete=completion.columns(lambda: ALL_COLUMNS),
        help="Which columns of the table, in this order.",
    ),
    click.option(
        "--sort",
        metavar="[-]KEY,...",
        shell_complete=completion.columns(lambda: ALL_COLUMNS),
        help="The order of its rows; -KEY: from high to low.",
    ),
    click.option(
        "--save",
        type=FILE,
        metavar="DIR",
        help="Each network as a folder: JSON, canonical string, Python files for torch, timm and torchvision.",
    ),
    click.option(
        "--onnx",
        is_flag=True,
        help="With --save, fresh weights, ONNX and torch.export too, checked for equal outputs.",
    ),
    click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
    click.option(
        "--report", type=FILE, metavar="FILE.html", help="A page with the table, curves and drawings in it."
    ),
    click.option("--figure", type=FILE, metavar="FILE", help="Cost curves of the rules, as PNG and SVG."),
)
