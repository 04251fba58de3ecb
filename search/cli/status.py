"""`search status`."""

from __future__ import annotations

import click

from search.cli import completers as completion
from search.cli.terminal import print_all, print_json


@click.command()
@click.argument("run", required=False, shell_complete=completion.runs)
@click.option("--json", "as_json", is_flag=True, help="As JSON: of RUN an object, else a list of them.")
def status(run: str | None, as_json: bool) -> None:
    """How far RUN is; without RUN, all runs."""
    if as_json:
        return _print_values(run)
    from search.cli.screen import show_run
    from search.runs.run import open_run, runs
    from space.refusal import UserError

    if run:
        return print_all(show_run(open_run(run), top=1))
    if not runs():
        click.echo("no runs yet; begin with: search launch space=effv2")
    for name in runs():
        try:
            print_all(show_run(open_run(name), top=0))
        except UserError as error:  # Of one run; the others are none the worse for it.
            print_all([f"runs/{name}: {error}"])


def _print_values(name: str | None) -> None:
    from search.cli.json_values import run_values
    from search.runs.run import open_run, runs
    from space.refusal import UserError

    if name:
        return print_json(run_values(open_run(name)))
    found = []
    for one in runs():
        try:
            found.append(run_values(open_run(one)))
        except UserError as error:
            found.append({"run": one, "error": str(error)})
    print_json(found)
