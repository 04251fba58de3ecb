"""`search check-proxy`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from search.cli import completers as completion
from search.cli.terminal import fail, print_all

_SETTINGS = """\b
Settings are KEY=VALUE words:
  space=effv2_32 data=npz data.path=FILE proxy=small    as for search launch
  longer.epochs=20      the longer training: any of the proxy's settings; if nothing is said, 4 times its epochs
  networks=12           how many, from 3 on
  good=0.7              the tau that counts as ranking well
  seed=0 executor.workers=2

Trainings are kept in checks/trainings.jsonl: what is there is not trained again.
"""
_JOURNAL = Path("checks", "trainings.jsonl")


@click.command(name="check-proxy", epilog=_SETTINGS)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completion.settings)
@click.option(
    "--suggest", is_flag=True, help="Try other proxies too, and recommend the cheapest that ranks well."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the table: .csv, .md, .json, ..."
)
def check_proxy(settings: tuple[str, ...], suggest: bool, out: Path | None) -> None:
    """Does the proxy rank networks as a longer training does?

    Trains some networks, spread over the space, by both, and tells Kendall's tau with its interval, and what both
    cost: what a search buys with its epochs, image size and width.
    """
    from rich.console import Console

    from search.cli.live import table
    from search.config import Config
    from search.proxy_check.check import check, plan
    from search.proxy_check.table import COLUMNS, rows, verdict
    from search.settings.words import parse
    from search.tables.selection import filled
    from search.tables.writing import format_of, write

    chosen = parse(settings)
    form = format_of(None, out) if out else ""
    count, good = _number(chosen, "networks", 12, 3), _share(chosen, "good")
    against = {key.partition(".")[2]: chosen.pop(key) for key in list(chosen) if key.startswith("longer.")}
    _refuse(chosen)
    planned = plan(Config.of(chosen), _JOURNAL, count, against, suggest=suggest)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        found = check(
            planned, lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True)
        )
    except KeyboardInterrupt:
        fail("Stopped. Finished trainings are kept; the same words go on with it.", 130)
    lines = verdict(found, good)
    print_all([table(rows(found), filled(rows(found), COLUMNS)), "", *lines])
    if out:
        write(rows(found), COLUMNS, form, out, caption=" ".join(lines))


def _refuse(chosen: dict[str, Any]) -> None:
    """Raises `UserError` for settings of a search that mean nothing here."""
    from space.refusal import unknown_name

    permitted = ("space", "data", "proxy", "reward", "executor", "seed")
    for key in chosen:
        if key.partition(".")[0] not in permitted:
            raise unknown_name("setting", key, (*permitted, "longer.", "networks", "good"))


def _number(chosen: dict[str, Any], key: str, default: int, least: int) -> int:
    from space.refusal import UserError

    value = chosen.pop(key, default)
    if type(value) is not int or not least <= value <= 1000:
        raise UserError(f"{key}={value}: it must be a whole number from {least} to 1000.")
    return value


def _share(chosen: dict[str, Any], key: str) -> float:
    from search.proxy_check.table import GOOD
    from space.refusal import UserError

    value = chosen.pop(key, GOOD)
    if type(value) not in (int, float) or not -1 <= value <= 1:
        raise UserError(f"{key}={value}: Kendall's tau lies from -1 to 1.")
    return float(value)
