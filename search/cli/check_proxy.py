"""The command `search check-proxy`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from search.cli import completers
from search.cli.terminal import UserPath, fail, print_all

_SETTINGS = """\b
Settings are KEY=VALUE words:
  space=effv2_32        as for search launch; also data=npz data.path=FILE
                        proxy=small
  longer.epochs=20      the longer training: any setting of a proxy (default:
                        full width and resolution, all images, twice the
                        proxy's epochs, at least 10)
  networks=12           number of networks, from 3 to 1000
  good=0.7              the value of Kendall's tau, from -1 to 1, from which the
                        proxy counts as good
  seed=0                the seed of the networks and the trainings
  executor.workers=2    the executor, as for search launch: executor=ray
                        executor.address=auto

Trainings are recorded in checks/trainings.jsonl and not repeated.
"""
_JOURNAL = Path("checks", "trainings.jsonl")


@click.command(name="check-proxy", epilog=_SETTINGS)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completers.settings)
@click.option("--suggest", is_flag=True, help="Also try other proxies, and recommend the cheapest good one.")
@click.option(
    "--out",
    type=UserPath(),
    metavar="FILE",
    help="The file to write the table to: .csv, .json, .parquet, .md, .tex or .html.",
)
def check_proxy(settings: tuple[str, ...], suggest: bool, out: Path | None) -> None:
    """Check that the proxy ranks like real trainings.

    Some networks, spread over the space, are trained twice: with the proxy, and longer at their full width and their
    own resolution. The result is Kendall's tau of the two rankings with its interval, and the cost of both trainings.
    """
    from rich.console import Console

    from search.cli.table import table
    from search.config import Config
    from search.engine.automatic import decided
    from search.engine.initial_networks import resolved
    from search.proxy_check.check import check, plan
    from search.proxy_check.table import COLUMNS, rows, verdict
    from search.settings.words import parse
    from search.tables.selection import filled
    from search.tables.writing import write

    chosen = parse(settings)
    form = _format(out) if out else ""
    count, good = _number(chosen, "networks", 12, 3), _share(chosen, "good")
    against = {key.partition(".")[2]: chosen.pop(key) for key in list(chosen) if key.startswith("longer.")}
    _refuse(chosen)
    config = Config.of(decided(resolved(chosen)).settings)
    planned = plan(config, _JOURNAL, count, against, suggest=suggest)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        result = check(
            planned, lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True)
        )
    except KeyboardInterrupt:
        fail("Stopped. Finished trainings are kept; repeat the command to continue.", 130)
    lines = verdict(result, good)
    print_all([table(rows(result), filled(rows(result), COLUMNS)), "", *lines])
    if out:
        write(rows(result), COLUMNS, form, out, caption=" ".join(lines))


def _format(out: Path) -> str:
    """Return the format for the ending of `out`. Raises `UserError` for an ending that no format has."""
    from search.tables.writing import format_of
    from space.refusal import UserError

    try:
        return format_of(None, out)
    except UserError:
        raise UserError(
            f"--out {out}: unknown ending; use .csv, .json, .parquet, .md, .tex or .html."
        ) from None


def _refuse(chosen: dict[str, Any]) -> None:
    """Raise `UserError` for settings of a search that have no effect on a check of proxies."""
    from space.refusal import unknown_name

    permitted = ("space", "data", "proxy", "reward", "executor", "seed")
    for key in chosen:
        if key.partition(".")[0] not in permitted:
            raise unknown_name("setting", key, (*permitted, "longer.", "networks", "good"))


def _number(chosen: dict[str, Any], key: str, default: int, minimum: int) -> int:
    from space.refusal import UserError

    value = chosen.pop(key, default)
    if type(value) is not int or not minimum <= value <= 1000:
        raise UserError(f"{key}={value}: it must be a whole number from {minimum} to 1000.")
    return value


def _share(chosen: dict[str, Any], key: str) -> float:
    from search.proxy_check.table import GOOD
    from space.refusal import UserError

    value = chosen.pop(key, GOOD)
    if type(value) not in (int, float) or not -1 <= value <= 1:
        raise UserError(f"{key}={value}: it must be a value of Kendall's tau, a number from -1 to 1.")
    return float(value)
