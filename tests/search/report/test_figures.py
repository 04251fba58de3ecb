"""Charts for print."""

import pytest
from helpers.runs import filled

from search import open_run
from search.report import charts
from search.report.document import Axis, Chart, Series
from search.report.figures import draw, figure
from search.report.findings import findings
from search.report.palette import PALETTE


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    return charts.every(
        findings(open_run(filled(tmp_path_factory.mktemp("r") / "r", complete=60, sampler="gp")))
    )


def test_a_run_has_its_charts(every):
    assert [chart.key for chart in every][:7] == [
        "overview",
        "accuracy-params",
        "accuracy-macs",
        "accuracy-step-ratio",
        "reward-over-trials",
        "reward-over-time",
        "learning-curves",
    ]
    assert "importance-ped-anova" in [chart.key for chart in every]


@pytest.mark.parametrize("key", ["accuracy-params", "reward-over-trials", "importance-ped-anova"])
def test_each_is_drawn_as_png_and_svg_the_same_each_time(every, key, tmp_path):
    (chart,) = (chart for chart in every if chart.key == key)
    png, svg = draw(chart, tmp_path / key)
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_bytes()
    assert b"<svg" in first
    draw(chart, tmp_path / key)
    assert svg.read_bytes() == first


def test_axes_say_their_units(every):
    (chart,) = (chart for chart in every if chart.key == "reward-over-time")
    assert chart.x.heading == "Time since the first proposal (min)"


@pytest.mark.parametrize(
    ("xs", "ticks"), [((2.2, 2.9), [2.2, 2.4, 2.6, 2.8]), ((1, 60), [1, 2, 5, 10, 20, 50])]
)
def test_a_logarithmic_axis_has_enough_ticks(xs, ticks):
    """Between 2.2 and 2.9 there is neither 1 nor 2 nor 5 times a power of ten."""
    chart = Chart(
        "c", "C", Axis("Latency", "ms", log=True), Axis("A"), (Series("s", "line", xs, (0.5, 0.6)),)
    )
    (axes,) = figure(chart).axes
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == pytest.approx(ticks)


def test_no_series_asks_for_a_colour_that_there_is_not(every):
    for chart in every:
        for series in getattr(chart, "series", ()):
            assert 0 <= series.colour < len(PALETTE)


def test_a_run_without_a_result_has_none(tmp_path):
    assert charts.every(findings(open_run(filled(tmp_path / "r", complete=0, failed=2)))) == ()
