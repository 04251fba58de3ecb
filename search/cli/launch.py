"""The commands `search launch` and `search resume`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.settings_help import CommandWithSettings
from search.cli.terminal import fail, print_all

if TYPE_CHECKING:
    from search.runs.run import Run


_LOG = click.option(
    "--log",
    "loggers",
    multiple=True,
    metavar="NAME",
    shell_complete=completers.loggers,
    help="Also log complete and failed trials to tensorboard, mlflow or wandb.",
)


@click.command(cls=CommandWithSettings, context_settings={"max_content_width": 120})
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completers.settings)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Estimate time, memory and disk space on this machine, and search nothing.",
)
@click.option("--print-config", is_flag=True, help="Print the resolved configuration, and search nothing.")
@_LOG
def launch(settings: tuple[str, ...], dry_run: bool, print_config: bool, loggers: tuple[str, ...]) -> None:
    """Search, and keep the results in runs/NAME.

    Settings are KEY=VALUE words. A group of settings is chosen by name, space=effv2_32, or from your own file,
    space=./my.yaml. A single setting of a group comes after a dot: proxy.epochs=3. The values below are the defaults,
    or follow from the settings that are given together with --help.
    """
    import yaml

    from search.config import Config
    from search.engine.automatic import decided
    from search.engine.initial_networks import resolved
    from search.engine.launch import launch as begin
    from search.settings.words import parse

    chosen = parse(settings)
    if print_config:
        config = Config.of(decided(resolved(chosen)).settings)
        return click.echo(yaml.safe_dump(config.document(), sort_keys=False, width=110), nl=False)
    if dry_run:
        return print_all(_estimated(chosen))
    _run(lambda display: begin(chosen, display=display), loggers)


@click.command()
@click.argument("run", shell_complete=completers.runs)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completers.settings)
@_LOG
def resume(run: str, settings: tuple[str, ...], loggers: tuple[str, ...]) -> None:
    """Continue RUN, however it ended.

    trials=N and budget=TIME set new totals. max_failures, the executor, the finals and data.path (of the same data)
    can also be changed.
    """
    from search.engine.launch import resume as go_on
    from search.settings.words import parse

    chosen = parse(settings)
    _run(lambda display: go_on(run, chosen, display=display), loggers)


def _estimated(chosen: dict[str, Any]) -> Iterator[str]:
    from search.engine.estimate import estimate, lines
    from search.engine.latency_source import latency_profile_time
    from search.engine.launch import prepared
    from search.engine.step_times import foreseen

    click.echo("reading the data, and timing a few steps of three networks ...", err=True)
    plan = prepared(chosen)
    config, steps = foreseen(plan.config, plan.data)
    latencies = latency_profile_time(config)
    yield from map(str, plan.decisions)
    yield from plan.outlook
    yield from lines(estimate(config, plan.data, steps, latencies), config)


def _run(search: Callable[[Any], Run], loggers: Sequence[str]) -> None:
    """Run a search and print its results. If it ends early, print how to continue.

    search: a function that takes a display and runs the search with it. loggers: the names of loggers to add.
    """
    from rich.console import Console

    from search.cli.screen import show_run
    from search.engine.driving import Stopped
    from search.engine.live import Terminal
    from search.runs.run import open_run
    from search.trials.ledger import LedgerFailed

    display = Terminal(Console(stderr=True))
    try:
        run = search(_logged(display, loggers) if loggers else display)
    except KeyboardInterrupt:
        where = f"Stopped. Finished trials are in {display.path}. " if display.path else "Stopped. "
        fail(where + _continue(display.path), 130)
    except (Stopped, LedgerFailed) as error:
        if isinstance(error, Stopped) and display.path:
            print_all(show_run(open_run(display.path)))
            if error.exhausted:
                fail(f"{error}.", 1)
        fail(f"{str(error).rstrip('.')}. {_continue(display.path)}", 1)
    print_all(show_run(run))
    if not run.ranked:
        fail(_nothing_complete(run), 1)
    name = shlex.quote(run.name)
    click.echo(
        f"\nNext: search show {name}:{run.best.number}   or   search train {name}:best   or   "
        f"search export {name} --format md"
    )


def _nothing_complete(run: Run) -> str:
    """Return why a search that has ended has no complete trial, and how to continue it."""
    reasons = [trial.reason for trial in run.trials if trial.reason]
    if reasons:
        return f"No trial is complete; the last failed: {reasons[-1].rstrip('.')}."
    trials, budget = run.config.settings.trials, run.config.settings.budget or 0
    if trials is not None and run.finished >= trials:
        return f"No network has finished all rungs yet. {_continue(run.path)} trials={4 * run.finished}"
    trained = any(trial.rungs for trial in run.trials)
    what = "for any network to finish all rungs" if trained else "for one trial"
    more = f"{max(30, round(4 * budget / 60))}m"
    return f"The budget of {budget:g} s was too short {what}. {_continue(run.path)} budget={more}"


def _logged(display: Any, loggers: Sequence[str]) -> Any:
    from search.loggers.logged import Logged

    return Logged(display, loggers)


def _continue(path: Path | None) -> str:
    from search.runs.names import called

    return f"Continue with: search resume {shlex.quote(called(path))}" if path else ""
