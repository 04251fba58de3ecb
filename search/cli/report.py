"""`search report`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers as completion
from search.cli.terminal import print_json

if TYPE_CHECKING:
    from search.report.document import Bars, Chart, Page
    from search.runs.run import Run

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
@click.option(
    "--baseline",
    metavar="RUN",
    shell_complete=completion.runs,
    help="A search with sampler=random to measure this one by; if not given, its own random draws.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print what it says at its top, as JSON; write no page."
)
def report(names: tuple[str, ...], out: Path | None, watch: bool, every: int, **given: Any) -> None:
    """Write a page about RUN.

    One HTML file that needs nothing beside it: what was searched and at what cost, the winner and how sure its lead
    is, and every trial to look through. At any time, also while it runs. Several runs are compared; those that
    differ in their seed alone are one group.
    """
    from search.files import require_ending, write_file
    from search.report.render import html
    from search.runs.run import open_run

    require_ending("--out", out, ".html", "a report")
    figures, baseline = given["figures"], given["baseline"]
    if baseline and len(names) > 1:
        raise click.UsageError("--baseline goes with one run; several are compared as they are.")
    while True:
        runs = [open_run(name) for name in names]
        drawn = open_run(baseline) if baseline else None
        goes_on = watch and any(run.driver for run in runs)
        page, charts = _page(runs, drawn, every if goes_on else None)
        if given["as_json"]:
            return print_json({"title": page.title, "made": page.made, **dict(page.summary)})
        place = out or (runs[0].path / _NAME if len(runs) == 1 else Path(_NAME))
        write_file(place, html(page))
        if not goes_on:
            break
        time.sleep(every)
    click.echo(f"wrote {place}")
    if figures:
        _draw(charts(), figures)


def _page(
    runs: list[Run], baseline: Run | None, refresh: int | None
) -> tuple[Page, Callable[[], tuple[Chart | Bars, ...]]]:
    """The page, and what gives the charts of it that papers have."""
    from search.report.charts import every
    from search.report.comparison_page import comparison_page
    from search.report.findings import findings
    from search.report.search_page import search_page

    if len(runs) > 1:
        page = comparison_page(runs, refresh)
        return page, lambda: page.charts
    found = findings(runs[0], baseline)
    return search_page(found, refresh), lambda: every(found)


def _draw(charts: tuple[Chart | Bars, ...], folder: Path) -> None:
    from search.report.figures import draw

    for chart in charts:
        for path in draw(chart, folder / chart.key):
            click.echo(f"wrote {path}")
    if not charts:
        click.echo("no figures: no trial is complete", err=True)
