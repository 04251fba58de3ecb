"""`search report`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search import completion

if TYPE_CHECKING:
    from search.report.document import Page
    from search.run import Run

_NAME = "report.html"


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN...", shell_complete=completion.runs)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"The page.  [default: {_NAME} in the run's folder, or here if there are several]",
)
@click.option(
    "--watch", is_flag=True, help="Write it anew until the search ends; a page that is open follows."
)
@click.option(
    "--every", type=click.IntRange(1), default=10, show_default=True, metavar="SECONDS", help="With --watch."
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Its charts too, each as PNG and SVG.",
)
def report(names: tuple[str, ...], out: Path | None, watch: bool, every: int, figures: Path | None) -> None:
    """Write a page about RUN: one HTML file that needs nothing beside it.

    What was searched and at what cost, the winner and how sure its lead is, and every trial to look through. At
    any time, also while it runs. Several runs are compared; those that differ in their seed alone are one group.
    """
    from search.files import write_file
    from search.report.render import html
    from search.run import open_run

    while True:
        runs = [open_run(name) for name in names]
        goes_on = watch and any(run.driver for run in runs)
        page = _page(runs, every if goes_on else None)
        place = out or (runs[0].path / _NAME if len(runs) == 1 else Path(_NAME))
        write_file(place, html(page))
        if not goes_on:
            break
        time.sleep(every)
    click.echo(f"wrote {place}")
    if figures:
        _draw(page, runs, figures)


def _page(runs: list[Run], refresh: int | None) -> Page:
    from search.report.comparison_page import comparison_page
    from search.report.search_page import search_page

    return search_page(runs[0], refresh) if len(runs) == 1 else comparison_page(runs, refresh)


def _draw(page: Page, runs: list[Run], folder: Path) -> None:
    from search.report import charts
    from search.report.figures import draw
    from search.report.findings import findings

    found = charts.every(findings(runs[0])) if len(runs) == 1 else page.charts
    for chart in found:
        for path in draw(chart, folder / chart.key):
            click.echo(f"wrote {path}")
    if not found:
        click.echo("no figures: no trial is complete", err=True)
