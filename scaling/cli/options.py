"""The options of the command `scale`, in the order of its help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import click

from scaling.cli import types
from scaling.rows import ALL_COLUMNS
from scaling.rules import RULES
from search.cli import completers
from search.cli.terminal import UserPath
from search.tables.writing import FORMATS
from space.cost.table import BATCH, COSTS, CostRow, parse_amount

_F = TypeVar("_F", bound=Callable[..., Any])


def _reads(read: Callable[[str], Any]) -> Callable[..., Any]:
    """Return click's callback for an option that `read` parses. (With a `type`, click would hide our messages.)"""
    return lambda context, option, text: None if text is None else read(text)


FILE = UserPath()


def _options(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    def add(function: _F) -> _F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


WHAT = _options(
    click.option("--phi", type=float, help="Scaling exponent: 0 is the base, below 0 is smaller."),
    click.option(
        "--family",
        "phis",
        metavar="PHIS",
        callback=_reads(lambda text: text if text[:1].isalpha() else types.phis(text)),
        help="Several values of phi: 1..7, 0..3:0.5, -1,0,1. With --published, the name of a family: mobilenet, "
        "shufflenet, inception, ..., or all (default: the family of the base).",
    ),
    click.option("--published", is_flag=True, help="Show published networks, alone or beside scaled ones."),
    click.option(
        "--base",
        default="b0",
        show_default=True,
        shell_complete=completers.networks,
        help="The network to scale: the name of a published network, a YAML or JSON file, a canonical string, block "
        "strings separated by commas, an answer of a run (RUN, RUN:cheapest), a trial (RUN:12), or a model's folder. "
        "A published name takes precedence over a file of the same name.",
    ),
)
HOW = _options(
    click.option(
        "--rule",
        metavar="RULE",
        shell_complete=completers.words(RULES),
        help="One of the rules above (default: compound; all rules for a budget and for cost curves).",
    ),
    click.option("--alpha", type=float, help="Coefficient of depth, 1 to 16."),
    click.option("--beta", type=float, help="Coefficient of width, 1 to 16."),
    click.option("--gamma", type=float, help="Coefficient of resolution, 1 to 16."),
    click.option(
        "--coefficients",
        type=FILE,
        metavar="FILE",
        help="Coefficients, rule and rounding from a file that `scale fit` wrote.",
    ),
    click.option(
        "--share", type=float, help="Share of the growth that goes to width, 0 to 1, for rule fast (0.8)."
    ),
)


def _limit(row: CostRow) -> Callable[[_F], _F]:
    """Return the decorator that adds the option for a limit on a cost, such as --max-macs."""
    batch = f", for {BATCH} images" if row.name == "memory" else ""
    return click.option(
        f"--max-{row.name}",
        metavar="AMOUNT",
        callback=_reads(partial(parse_amount, row.name)),
        help=f"Upper limit on the {row.meaning.partition(':')[0]}{batch}.",
    )


BUDGET = _options(
    *map(_limit, COSTS.values()),
    click.option(
        "--profile",
        type=FILE,
        metavar="FILE",
        help="Device profile that predicts step times or latencies (default, for a limit on one: this device's).",
    ),
)
ROUNDING = _options(
    click.option(
        "--divisor", type=click.IntRange(1, 1024), help="Round widths to multiples of this number (8)."
    ),
    click.option(
        "--limit",
        type=click.FloatRange(0, 1),
        help="Round a width up if rounding would leave less than this share of the exact one (default: the rule's).",
    ),
    click.option(
        "--depth-rounding",
        "depth",
        type=click.Choice(["ceil", "round"]),
        help="Round numbers of blocks up, or to the nearest (default: as the rule).",
    ),
    click.option(
        "--resolution-multiple",
        "resolution",
        type=click.IntRange(1, 1024),
        help="Round resolutions to multiples of this number of pixels (default: the rule's).",
    ),
)
OUTPUT = _options(
    click.option(
        "--format",
        "format_",
        metavar="FORMAT",
        shell_complete=completers.formats(),
        help=f"Format of the table: {', '.join(FORMATS)}.",
    ),
    click.option(
        "--out", type=FILE, metavar="FILE", help="File for the table. Without --format, its ending decides."
    ),
    click.option(
        "--columns",
        metavar="KEY,...",
        shell_complete=completers.columns(lambda: ALL_COLUMNS),
        help="Columns of the table, in this order.",
    ),
    click.option(
        "--sort",
        metavar="[-]KEY,...",
        shell_complete=completers.columns(lambda: ALL_COLUMNS),
        help="Sort the rows by these columns; -KEY: from high to low.",
    ),
    click.option(
        "--save",
        type=FILE,
        metavar="DIR",
        help="Save each network in a folder: JSON, canonical string, Python files for torch, timm, torchvision.",
    ),
    click.option(
        "--onnx",
        is_flag=True,
        help="With --save: also write random weights, and ONNX and torch.export files with equal outputs.",
    ),
    click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
    click.option(
        "--report", type=FILE, metavar="FILE.html", help="HTML page with the table, curves and diagrams."
    ),
    click.option(
        "--figure",
        type=FILE,
        metavar="FILE",
        help="Cost curves of the rules: FILE-params-macs and FILE-macs-phi, each as PNG and SVG.",
    ),
)
