"""The command `search`. A thin layer: what it does is in the modules that it imports when it is asked for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from search.run import Run

_SETTINGS = """\b
Settings are KEY=VALUE words:
  space=NAME or ./FILE.yaml     what is searched        space.stages.2.kernel=3,5
  data=NAME                     images                  data.path=photos.npz
  proxy=NAME                    the training            proxy.epochs=3
  reward=NAME                   the objective           reward.max_params=3e6
  sampler=NAME                  who proposes            sampler.startup=16
  executor=NAME                 where trials run        executor.workers=2
  trials=N budget=30m seed=N run=NAME max_failures=N
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="compound-nas")
@click.pass_context
def search(context: click.Context) -> None:
    """Find the best small image classifier for your data on your hardware.

    Start with `search launch space=effv2`: it trains on images that it draws itself. Then bring your own:
    `search launch space=effv2_32 data=npz data.path=FILE`.
    """
    if not context.invoked_subcommand:
        click.echo(context.get_help())


@search.command(epilog=_SETTINGS)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Print the resolved configuration, and search nothing.")
def launch(settings: tuple[str, ...], dry_run: bool) -> None:
    """Search, and keep everything in runs/NAME."""
    import yaml

    from search.config import Config, parse
    from search.driver import launch as begin

    chosen = parse(settings)
    if dry_run:
        click.echo(yaml.safe_dump(Config.of(chosen).document(), sort_keys=False, width=110), nl=False)
        return
    _driven(lambda display: begin(chosen, display=display))


@search.command()
@click.argument("run")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
def resume(run: str, settings: tuple[str, ...]) -> None:
    """Go on with RUN, however it ended; trials=N and budget=TIME set new totals."""
    from search.config import parse
    from search.driver import resume as go_on

    chosen = parse(settings)
    _driven(lambda display: go_on(run, chosen, display=display))


@search.command()
@click.argument("run", required=False)
def status(run: str | None) -> None:
    """How far RUN is; without RUN, all runs."""
    from search.run import open_run, runs
    from search.show import show_run
    from space.refusal import Refused

    if run:
        return _print(show_run(open_run(run), top=1))
    if not runs():
        click.echo("no runs yet; begin with: search launch space=effv2")
    for name in runs():
        try:
            _print(show_run(open_run(name), top=0))
        except Refused as error:  # Of one run; the others are none the worse for it.
            _print([f"runs/{name}: {error}"])


@search.command()
@click.argument("what", nargs=-1, required=True, metavar="RUN | RUN:N | NETWORK | space=NAME [KEY=VALUE]...")
def show(what: tuple[str, ...]) -> None:
    """Show a space, a network with its exact costs, a trial, or a run.

    \b
    search show space=effv2 space.stages.0.kernel=3    stages, number of networks, range of costs
    search show v2-b0                                  a published network (b0 to b8, v2-s, ...)
    search show r32_i16/mb_d1_k3_s1_e1_w16/h64_c10     a network by its canonical string
    search show RUN:12                                 trial 12 of a run
    """
    from search import show as shown
    from search.run import open_run, split

    first, *rest = what
    if "=" in first:
        return _print(shown.show_space(_space(what)))
    if rest:
        raise click.UsageError(f"One thing at a time: {first!r} takes nothing after it.")
    name, number = split(first)
    if number is not None:
        run = open_run(name)
        return _print(shown.show_trial(run, run.trial(number)))
    network = _network(first)
    _print(shown.show_network(network) if network else shown.show_run(open_run(first)))


@search.command()
@click.argument("run")
@click.option(
    "--format", "form", default="csv", show_default=True, metavar="NAME", help="csv, json, md or latex."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="A file, replaced in one step; else standard output."
)
def export(run: str, form: str, out: Path | None) -> None:
    """Write the trials of RUN as a table: one row each, with every term of the reward."""
    from search.columns import SCHEMA, TRIALS, VERSION, row
    from search.run import open_run
    from search.tables import FORMATS, write
    from space.refusal import unknown

    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    opened = open_run(run)
    rows = [row(trial) for trial in opened.trials]
    caption = f"Run {opened.name}: space {opened.config.space.name}, data {opened.config.data.source}"
    write(rows, TRIALS, form, out, schema=SCHEMA, version=VERSION, caption=caption)


def main() -> None:
    """Runs the command. A user's mistake is one line on standard error and exit code 2; a failed run, 1."""
    from space.refusal import Refused

    try:
        search(standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        _fail(f"{error.format_message()} See: search --help", 2)
    except Refused as error:
        _fail(str(error), 2)
    except (KeyboardInterrupt, click.Abort):
        _fail("stopped.", 130)
    except OSError as error:
        # A full disk, say. What is left in the buffer would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}.", 1)


def _driven(drive: Callable[[Any], Run]) -> None:
    """Runs a search with its display, tells how to go on if it ends early, and prints its table at the end."""
    from rich.console import Console

    from search.display import Terminal
    from search.driver import Stopped
    from search.ledger import LedgerFailed
    from search.run import open_run
    from search.show import show_run

    display = Terminal(Console(stderr=True))
    try:
        run = drive(display)
    except KeyboardInterrupt:
        where = f"Stopped. Finished trials are in {display.path}. " if display.path else "Stopped. "
        _fail(where + _go_on(display.path), 130)
    except (Stopped, LedgerFailed) as error:
        if isinstance(error, Stopped) and display.path:
            _print(show_run(open_run(display.path)))
            if error.exhausted:
                return click.echo(f"search: {error}.", err=True)
        _fail(f"{str(error).rstrip('.')}. {_go_on(display.path)}", 1)
    _print(show_run(run))
    if not run.ranked:
        reasons = [trial.reason for trial in run.trials if trial.reason]
        if reasons:
            _fail(f"No trial is complete; the last failed: {reasons[-1].rstrip('.')}.", 1)
        _fail(f"The budget was too short for one trial. {_go_on(display.path)} budget=30m", 1)
    best = f"{run.name}:{run.best.number}"
    click.echo(f"\nNext: search show {best}   or   search export {run.name} --format md")


def _go_on(path: Path | None) -> str:
    from search.run import called

    return f"Go on with: search resume {called(path)}" if path else ""


def _space(words: tuple[str, ...]) -> Any:
    from search.config import Config, parse
    from space.refusal import Refused

    settings = parse(words)
    for key in settings:
        if key != "space" and not key.startswith("space."):
            raise Refused(f"{key} is no part of a space; give space=NAME and space.PLACE=VALUE.")
    return Config.of(settings | {"data": "shapes"}).space


def _network(text: str) -> Any:
    """The architecture of that name or string; None if it can only be the name of a run."""
    from search.reward import network
    from search.run import runs
    from space import CATALOG
    from space.refusal import unknown

    if text in CATALOG or ("/" in text and "_" in text.partition("/")[0] and not os.path.isdir(text)):
        return network(text)
    if "/" not in text and text not in runs():
        raise unknown("network or run", text, (*CATALOG, *runs()))
    return None


def _print(what: Iterable[RenderableType]) -> None:
    console = _console()
    for part in what:
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def _console() -> Console:
    """Standard output; as wide as it needs to be where no terminal limits it."""
    from rich.console import Console

    # Brackets and colons in names and reasons are themselves, no markup.
    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1000
    return console


def _fail(message: str, code: int) -> None:
    click.echo(f"search: {' '.join(message.split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
