"""The command `scale fit`. It imports `scaling.fitting.fit` only when it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scaling.cli.request import rule_named
from scaling.cli.text import table
from scaling.fitting.design import DEFAULT, Design
from search.cli import completers
from search.cli.terminal import fail
from space import UserError

if TYPE_CHECKING:
    from scaling.fitting.plan import Fitted, Plan
    from search.engine.live import Terminal

_EPILOG = """\b
Settings are KEY=VALUE words, as in `search launch`:
  data=NAME data.path=FILE  the images; accuracy is on their validation split
  proxy.epochs=5            epochs of a training at the network's resolution
  executor.workers=2        trainings at a time; executor=ray: on a cluster
  seed=N run=NAME budget=30m max_failures=N

The run and its results are stored in runs/NAME: coefficients.yaml (for `scale --coefficients`), tables of the
candidates, the comparison and the family, a figure, and a page. After an interruption, even by kill -9, continue with

\b
  scale fit --resume NAME [executor=...] [budget=...]

which repeats no finished training. `search status NAME` shows the progress.
"""


@click.command(epilog=_EPILOG)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completers.settings)
@click.option(
    "--base", shell_complete=completers.networks, help="The network to scale, as in `scale --base`."
)
@click.option("--rule", help="The rule to fit: compound (default), v2 or lacs.")
@click.option("--phi", type=float, help="The phi that candidates are scaled to, not 0 (1).")
@click.option(
    "--step", type=float, help="The distance between neighbouring values of alpha, beta and gamma (0.05)."
)
@click.option(
    "--tolerance",
    type=float,
    help="Permitted difference of alpha * beta^2 * gamma^2 from 2 (0.1, which includes EfficientNet's triple).",
)
@click.option(
    "--cost-tolerance",
    type=float,
    help="Permitted relative difference of real multiply-adds from 2^phi (0.25).",
)
@click.option("--seeds", type=int, metavar="N", help="Trainings of each leader that does not drop out (3).")
@click.option("--leaders", type=int, metavar="N", help="Candidates that are trained with a second seed (6).")
@click.option(
    "--compare",
    is_flag=True,
    help="Also train the base, and the base scaled by depth, width and resolution only to the winner's cost.",
)
@click.option("--divisor", type=click.IntRange(1, 1024), help="Round widths to multiples of this number (8).")
@click.option(
    "--limit",
    type=click.FloatRange(0, 1),
    help="Round a width up if rounding would leave less than this share of the exact width (default: the rule's).",
)
@click.option(
    "--depth-rounding",
    "depth",
    type=click.Choice(["ceil", "round"]),
    help="Round numbers of blocks up, or to the nearest (default: as the rule).",
)
@click.option(
    "--resolution-multiple",
    "resolution",
    type=click.IntRange(1, 4),
    help="Round resolutions to multiples of this number of pixels (1).",
)
@click.option("--dry-run", is_flag=True, help="Print the candidates and the estimated time; train nothing.")
@click.option("--resume", metavar="NAME", shell_complete=completers.runs, help="Continue a fit.")
def fit(settings: tuple[str, ...], resume: str | None, dry_run: bool, **given: Any) -> None:
    """Fit alpha, beta and gamma for a base by training.

    Every triple of a grid near alpha * beta^2 * gamma^2 = 2 scales the base to about 2^phi times its cost. All are
    trained with one seed, the leaders with more. Of the most accurate network and those that are not significantly
    worse, the cheapest wins. With --seeds 1 the most accurate wins.
    """
    from search.settings.words import parse

    asked = {key: value for key, value in given.items() if value is not None and value is not False}
    if resume is None:
        if "base" not in asked:
            raise UserError("Give the network to fit, such as --base b0, or --resume NAME to continue a fit.")
        return _begin(asked, parse(settings), dry_run)
    if asked or dry_run:
        raise UserError(
            "--resume continues a fit with its own options, so give no others; only the settings executor, budget,"
            " max_failures and data.path can change."
        )
    from scaling.fitting import fit as fitting

    return _run(lambda display: fitting.resume(resume, parse(settings), display=display))


def _begin(asked: dict[str, Any], settings: dict[str, Any], dry_run: bool) -> None:
    from scaling.fitting import fit as fitting

    base = asked.pop("base")
    planned = fitting.plan(base, settings, _design(asked))
    _announce(planned)
    if dry_run:
        _show(planned)
    else:
        _run(lambda display: fitting.begin(planned, display=display))


def _design(asked: dict[str, Any]) -> Design:
    fields = {key: asked.pop(key) for key in ("divisor", "limit", "depth", "resolution") if key in asked}
    rounding = replace(rule_named(asked.get("rule", DEFAULT.rule)).rounding, **fields)
    return Design(**asked, rounding=rounding)


def _announce(planned: Plan) -> None:
    from scaling.fitting.summary import counts_sentence

    design, trainings = planned.design, planned.race().max_trainings
    click.echo(counts_sentence(planned.grid.counts), err=True)
    click.echo(
        f"{len(planned.grid.candidates)} trainings with the first seed, at most {trainings} with all {design.seeds}"
        " seeds (of candidates; --compare adds more).",
        err=True,
    )


def _show(planned: Plan) -> None:
    from scaling.fitting.estimate import estimate
    from scaling.fitting.tables import PLANNED, planned_rows
    from search.tables.units import clock

    click.echo(table(planned_rows(planned.grid.candidates), PLANNED))
    estimated, parallel = estimate(planned), planned.config.executor.parallel
    pace = f"with {parallel} at a time" if parallel else "one at a time; the cluster may have room for more"
    click.echo(
        f"\nEstimate: {clock(estimated.candidate)} a training, {clock(estimated.first_seed)} for the first seed, "
        f"at most {clock(estimated.longest)} in all, {pace}. It assumes time proportional to "
        f"multiply-adds and a step of the base of {estimated.step_ms:.0f} ms, as measured now."
    )


def _run(drive: Callable[[Terminal], Fitted]) -> None:
    """Run a fit with its display and print its result, or how to continue it if it ends early."""
    from rich.console import Console

    from search.engine.driving import Stopped
    from search.engine.live import Terminal
    from search.trials.ledger import LedgerFailed

    display = Terminal(Console(stderr=True))
    try:
        fitted = drive(display)
    except KeyboardInterrupt:
        _end("Stopped.", display, 130)
    except (Stopped, LedgerFailed) as error:
        _end(str(error), display, 1)
    else:
        _print(fitted)


def _end(message: str, display: Terminal, code: int) -> NoReturn:
    from search.runs.names import called

    advice = f" Continue with: scale fit --resume {called(display.path)}" if display.path else ""
    fail(f"{message.rstrip('.')}.{advice}", code, "scale")


def _print(fitted: Fitted) -> None:
    from scaling.fitting.results import COEFFICIENTS
    from scaling.fitting.summary import verdict_sentences
    from scaling.fitting.tables import CANDIDATES, COMPARISON, candidate_rows, compared_rows

    click.echo(table(candidate_rows(fitted), CANDIDATES))
    if fitted.baselines:
        click.echo(f"\n{table(compared_rows(fitted), COMPARISON)}")
    click.echo("\n" + " ".join(verdict_sentences(fitted)))
    click.echo(
        f"\nResults: {fitted.path}/. Next: scale --base ... --coefficients {fitted.path / COEFFICIENTS}"
    )
