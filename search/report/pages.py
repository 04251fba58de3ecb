"""The page of one or several runs, and its charts as matplotlib figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.report.charts import every
from search.report.comparison_page import comparison_page
from search.report.document import Bars, Chart, Page
from search.report.findings import findings
from search.report.search_page import search_page
from search.runs.run import Run
from space import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page_of(runs: Sequence[Run], baseline: Run | None = None, refresh: int | None = None) -> Page:
    """Return the page of a run, or the page that compares several runs.

    baseline: a search with sampler=random to compare one run with. refresh: the seconds after which an open page
    reloads itself, None for never. Raises `UserError` for a baseline of several runs, for a baseline whose rewards
    cannot be compared with those of the run, and for a run that is given twice.
    """
    if len(runs) == 1:
        return search_page(findings(runs[0], baseline), refresh)
    _refuse(baseline)
    return comparison_page(list(runs), refresh)


def figures_of(runs: Sequence[Run], baseline: Run | None = None) -> dict[str, Figure]:
    """Return the charts of one run, or of the page that compares several runs, as matplotlib figures by key.

    The arguments and errors are those of `page_of`.
    """
    from search.report.figures import figure

    return {chart.key: figure(chart) for chart in _charts(runs, baseline)}


def _charts(runs: Sequence[Run], baseline: Run | None) -> tuple[Chart | Bars, ...]:
    if len(runs) == 1:
        return every(findings(runs[0], baseline))
    _refuse(baseline)
    return comparison_page(list(runs)).charts


def _refuse(baseline: Run | None) -> None:
    if baseline:
        raise UserError("A baseline needs a single run; several runs are compared with each other.")
