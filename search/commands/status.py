"""`search status`."""

from __future__ import annotations

import click

from search import completion
from search.terminal import print_all


@click.command()
@click.argument("run", required=False, shell_complete=completion.runs)
def status(run: str | None) -> None:
    """How far RUN is; without RUN, all runs."""
    from search.run import open_run, runs
    from search.show import show_run
    from space.refusal import Refused

    if run:
        return print_all(show_run(open_run(run), top=1))
    if not runs():
        click.echo("no runs yet; begin with: search launch space=effv2")
    for name in runs():
        try:
            print_all(show_run(open_run(name), top=0))
        except Refused as error:  # Of one run; the others are none the worse for it.
            print_all([f"runs/{name}: {error}"])
