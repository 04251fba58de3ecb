"""The command `scale fit`: a thin layer over `scaling.fitting.fit`, which is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from scaling.cli.request import named
from scaling.cli.text import table
from scaling.fitting.design import DEFAULT, Design
from search.cli import completers as completion
from space import UserError

if TYPE_CHECKING:
    from scaling.fitting.fit import Fitted, Plan
    from search.cli.live import Terminal

_EPILOG = """\b
Settings are KEY=VALUE words, as `search launch` takes them:
  data=NAME data.path=FILE        images; accuracy is of their validation split
  proxy.epochs=5                  the training; every network at its own resolution and width
  executor.workers=2              where trainings run
  seed=N run=NAME budget=30m max_failures=N

The run and its results are kept in runs/NAME: coefficients.yaml (for `scale --coefficients`), tables of the
candidates, of the comparison and of the family, and a figure. However it ends, even by kill -9, go on with

\b
  scale fit --resume NAME [executor=...] [budget=...]

which repeats no finished training. `search status NAME` shows how far it is.
"""


@click.command(epilog=_EPILOG)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completion.settings)
@click.option(
    "--base", shell_complete=completion.networks, help="What is scaled, as `scale --base` takes it."
)
@click.option("--rule", help="Whose coefficients: compound (if not given), v2 or lacs.")
@click.option("--phi", type=float, help="Where candidates are trained (1).")
@click.option("--step", type=float, help="Between neighbouring values of alpha, beta and gamma (0.05).")
@click.option(
    "--tolerance",
    type=float,
    help="How far alpha * beta^2 * gamma^2 may be from 2 (0.1: 1.2, 1.1, 1.15 is in).",
)
@click.option(
    "--cost-tolerance", type=float, help="How far real multiply-adds may be from 2^phi, relatively (0.25)."
)
@click.option("--seeds", type=int, metavar="N", help="Trainings of each leader (3).")
@click.option("--leaders", type=int, metavar="N", help="Candidates that go on to the second seed (6).")
@click.option(
    "--compare", is_flag=True, help="Also train depth, width and resolution alone, as costly as the winner."
)
@click.option("--divisor", type=click.IntRange(1, 1024), help="Widths become multiples of it.")
@click.option("--limit", type=click.FloatRange(0, 1), help="The least share of a width's exact product.")
@click.option("--depth-rounding", "depth", type=click.Choice(["ceil", "round"]), help="Blocks.")
@click.option(
    "--resolution-multiple", "resolution", type=click.IntRange(1, 4), help="Pixels become multiples of it."
)
@click.option("--dry-run", is_flag=True, help="Print the candidates and the estimated time; train nothing.")
@click.option("--resume", metavar="NAME", shell_complete=completion.runs, help="Go on with a fit.")
def fit(settings: tuple[str, ...], resume: str | None, dry_run: bool, **given: Any) -> None:
    """Find alpha, beta and gamma for a base by training.

    Every triple of a grid near alpha * beta^2 * gamma^2 = 2 scales the base to about 2^phi of its cost; all are
    trained with one seed, the leaders with more. The triple of the most accurate network wins; among those that
    chance does not tell from it, the cheapest.
    """
    from search.settings.words import parse

    asked = {key: value for key, value in given.items() if value is not None and value is not False}
    if resume is None:
        if "base" not in asked:
            raise UserError("Say what to fit: --base b0; or --resume NAME to go on with a fit.")
        return _begin(asked, parse(settings), dry_run)
    if asked or dry_run:
        raise UserError("--resume goes on with a fit as it was begun; only executor and budget can change.")
    from scaling.fitting import fit as fitting

    return _driven(lambda display: fitting.resume(resume, parse(settings), display=display))


def _begin(asked: dict[str, Any], settings: dict[str, Any], dry_run: bool) -> None:
    from scaling.fitting import fit as fitting

    base = asked.pop("base")
    planned = fitting.plan(base, settings, _design(asked))
    _announce(planned)
    if dry_run:
        _show(planned)
    else:
        _driven(lambda display: fitting.begin(planned, display=display))


def _design(asked: dict[str, Any]) -> Design:
    fields = {key: asked.pop(key) for key in ("divisor", "limit", "depth", "resolution") if key in asked}
    rounding = replace(named(asked.get("rule", DEFAULT.rule)).rounding, **fields)
    return Design(**asked, rounding=rounding)


def _announce(planned: Plan) -> None:
    from scaling.fitting.results import counts

    design, most = planned.design, planned.race().most
    click.echo(f"{counts(planned.grid.counts)}.", err=True)
    click.echo(
        f"{len(planned.grid.candidates)} trainings with the first seed; {most} at most with all {design.seeds}.",
        err=True,
    )


def _show(planned: Plan) -> None:
    from scaling.fitting.estimate import estimate
    from scaling.fitting.tables import PLANNED, planned_rows
    from search.tables.units import clock

    click.echo(table(planned_rows(planned.grid.candidates), PLANNED))
    found, parallel = estimate(planned), planned.config.executor.parallel or 1
    click.echo(
        f"\nEstimated: {clock(found.candidate)} a training, {clock(found.first)} for the first seed, "
        f"{clock(found.most)} in all at most, {parallel} at a time. A step of the base took "
        f"{found.step_ms:.0f} ms just now; time is taken to go with multiply-adds."
    )


def _driven(drive: Callable[[Terminal], Fitted]) -> None:
    """Runs a fit with its display, tells how to go on if it ends early, and prints what it found."""
    from rich.console import Console

    from search.cli.live import Terminal
    from search.engine.launch import Stopped
    from search.trials.ledger import LedgerFailed

    display = Terminal(Console(stderr=True))
    try:
        fitted = drive(display)
    except KeyboardInterrupt:
        _end("Stopped.", display, 130)
    except (Stopped, LedgerFailed) as error:
        _end(str(error), display, 1)
    else:
        _tell(fitted)


def _end(message: str, display: Terminal, code: int) -> None:
    go_on = f" Go on with: scale fit --resume {display.path.name}" if display.path else ""
    click.echo(f"scale: {message}{go_on}", err=True)
    sys.exit(code)


def _tell(fitted: Fitted) -> None:
    from scaling.fitting.results import COEFFICIENTS, verdict
    from scaling.fitting.tables import CANDIDATES, COMPARISON, candidate_rows, compared_rows

    click.echo(table(candidate_rows(fitted), CANDIDATES))
    if fitted.rivals:
        click.echo(f"\n{table(compared_rows(fitted), COMPARISON)}")
    click.echo("\n" + " ".join(verdict(fitted)))
    click.echo(
        f"\nResults: {fitted.path}/. Next: scale --base ... --coefficients {fitted.path / COEFFICIENTS}"
    )
