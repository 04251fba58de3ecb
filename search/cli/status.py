"""The command `search status`."""

from __future__ import annotations

from typing import Any

import click

from search.cli import completers
from search.cli.terminal import print_all, print_json


@click.command()
@click.argument("run", required=False, shell_complete=completers.runs)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object for RUN, a list for all runs.")
def status(run: str | None, as_json: bool) -> None:
    """Show the progress of RUN, or of all runs."""
    if as_json:
        return _print_values(run)
    from search.cli.screen import show_run
    from search.runs.names import runs
    from search.runs.run import open_run
    from space.refusal import UserError

    if run:
        return print_all(show_run(open_run(run), top=1))
    if not runs():
        click.echo("no runs yet; start with: search launch space=effv2")
    for name in runs():
        try:
            print_all(show_run(open_run(name), top=0))
        except UserError as error:  # A run that cannot be read must not hide the others.
            print_all([f"runs/{name}: {error}"])


def _print_values(name: str | None) -> None:
    from search.cli.json_values import run_values
    from search.runs.names import runs
    from search.runs.run import open_run
    from space.refusal import UserError

    if name:
        return print_json(run_values(open_run(name)))
    values: list[dict[str, Any]] = []
    for each in runs():
        try:
            values.append(run_values(open_run(each)))
        except UserError as error:
            values.append({"run": each, "error": str(error)})
    print_json(values)
