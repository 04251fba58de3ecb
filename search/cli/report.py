"""The command `search report`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.terminal import UserPath, print_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME = "report.html"


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN...", shell_complete=completers.runs)
@click.option(
    "--out",
    type=UserPath(),
    metavar="FILE",
    help=f"The file to write (default: {_NAME} in the run's folder, or in the current folder for several runs).",
)
@click.option(
    "--watch", is_flag=True, help="Update the page until the search ends; an open page reloads itself."
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="Interval of --watch.",
)
@click.option(
    "--figures",
    type=UserPath(file_okay=False),
    metavar="DIR",
    help="Also write the charts, each as PNG and SVG.",
)
@click.option(
    "--baseline",
    metavar="RUN",
    shell_complete=completers.runs,
    help="A search with sampler=random to compare with (default: the random draws of RUN itself).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the top of the page as JSON, and write no page.")
def report(names: tuple[str, ...], out: Path | None, watch: bool, every: int, **given: Any) -> None:
    """Write a page about RUN.

    The page is one HTML file that needs no other files. It shows the settings and the cost of the search, its best
    networks and how certain their lead is, and a table of all trials. It can be written at any time, also while the
    search runs. Several runs are compared; runs that differ only in their seed form a group.
    """
    from search.api.launch import open_run
    from search.files import require_ending
    from search.report.pages import page_of

    require_ending("--out", out, ".html", "a report")
    figures, baseline = given["figures"], given["baseline"]
    if baseline and len(names) > 1:
        raise click.UsageError("--baseline needs a single run; several runs are compared with each other.")
    while True:
        first, *others = (open_run(name) for name in names)
        drawn = open_run(baseline) if baseline else None
        if given["as_json"]:
            page = page_of([first, *others], drawn)
            top = {"title": page.title, "made": page.made, "advice": page.advice}
            return print_json({**top, **dict(page.summary), **page.values})
        watching = watch and any(run.driver for run in (first, *others))
        place = first.report(*others, out=out, baseline=drawn, refresh=every if watching else None)
        if not watching:
            break
        time.sleep(every)
    click.echo(f"wrote {place}")
    if figures:
        _draw(first.figures(*others, baseline=drawn), figures)


def _draw(figures: dict[str, Figure], folder: Path) -> None:
    from search.report.figures import written

    for name, figure in figures.items():
        for path in written(figure, folder / name):
            click.echo(f"wrote {path}")
    if not figures:
        click.echo("no figures: no trial is complete", err=True)
