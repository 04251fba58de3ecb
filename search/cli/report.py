"""`search report`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.terminal import UserPath, print_json

if TYPE_CHECKING:
    from search.report.document import Bars, Chart, Page
    from search.runs.run import Run

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

    The page is one HTML file without references to others: settings and cost of the search, its best networks and how
    certain their lead is, and a table of all trials. It can be written at any time, also while the search runs.
    Several runs are compared; runs that differ only in their seed form a group.
    """
    from search.files import require_ending, write_file
    from search.report.render import html
    from search.runs.run import open_run

    require_ending("--out", out, ".html", "a report")
    figures, baseline = given["figures"], given["baseline"]
    if baseline and len(names) > 1:
        raise click.UsageError("--baseline needs a single run; several runs are compared with each other.")
    while True:
        runs = [open_run(name) for name in names]
        drawn = open_run(baseline) if baseline else None
        watching = watch and any(run.driver for run in runs)
        page, charts = _page(runs, drawn, every if watching else None)
        if given["as_json"]:
            return print_json({"title": page.title, "made": page.made, **dict(page.summary), **page.values})
        place = out or (runs[0].path / _NAME if len(runs) == 1 else Path(_NAME))
        write_file(place, html(page))
        if not watching:
            break
        time.sleep(every)
    click.echo(f"wrote {place}")
    if figures:
        _draw(charts(), figures)


def _page(
    runs: list[Run], baseline: Run | None, refresh: int | None
) -> tuple[Page, Callable[[], tuple[Chart | Bars, ...]]]:
    """Return the page, and a function that makes its charts for print."""
    from search.report.charts import every
    from search.report.comparison_page import comparison_page
    from search.report.findings import findings
    from search.report.search_page import search_page

    if len(runs) > 1:
        page = comparison_page(runs, refresh)
        return page, lambda: page.charts
    result = findings(runs[0], baseline)
    return search_page(result, refresh), lambda: every(result)


def _draw(charts: tuple[Chart | Bars, ...], folder: Path) -> None:
    from search.report.figures import draw

    for chart in charts:
        for path in draw(chart, folder / chart.key):
            click.echo(f"wrote {path}")
    if not charts:
        click.echo("no figures: no trial is complete", err=True)
