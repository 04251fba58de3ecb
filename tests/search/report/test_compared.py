import itertools
from types import SimpleNamespace

import pytest

from search.compare.comparison import Compared, Trained
from search.compare.contender import Contender
from search.compare.evaluation import Evaluation
from search.compare.levels import Lineup
from search.compare.table import rows
from search.report.compared import DRAWN, all_sentences, compared_page, panel, reference
from search.report.figures import draw_panels
from search.stats.hits import encode_hits
from space import cost, decode
from space.timing.ratio import StepTime

IMAGES = 200


class Plan:
    """The parts of the plan of a comparison of families that pages read."""

    drawn, matched, reward, out = True, ("params",), None, "here"
    settings = SimpleNamespace(split="test", seeds=2)

    def __init__(self, leads):
        self.leads = leads


def trained(family, level, accuracy):
    network = decode(f"r32_i8_s1/mb_d{level + 1}_k3_s2_e1_w{8 * (level + 1)}/h8_c2")
    evaluations = tuple(
        Evaluation(value, 0.5, IMAGES, encode_hits([place < value * IMAGES for place in range(IMAGES)]))
        for value in (accuracy, accuracy + (0.01 if family == "ours" else 0.015))
    )
    ms = 2.0 * (level + 1)
    contender = Contender(f"{family} {level}", network, "here", family, level)
    return Trained(contender, evaluations, 1.0, 9.0, StepTime(ms, 0.01, 7, ms, 1.0, ms, 1.0), ms / 4)


def measured(name, network):
    return 0.5 * network.depth if name == "latency" else cost(network).params


@pytest.fixture(scope="module")
def compared():
    every = tuple(
        trained(family, level, 0.6 + 0.1 * level + extra)
        for level, (family, extra) in itertools.product(range(3), (("ours", 0.1), ("theirs", 0.0)))
    )
    leads = tuple(one.contender for one in every[::2])
    bounds = ("100 params", "200 params", "300 params")
    lineup = Lineup(tuple(one.contender for one in every), ("b0 is left out.",), bounds)
    return Compared(Plan(leads), lineup, every, measured)


def test_a_panel_has_a_curve_and_a_band_for_each_family(compared):
    chart = panel(compared, "latency")
    assert [(series.name, series.kind) for series in chart.series] == [
        (family, kind) for family in ("ours", "theirs") for kind in ("line", "points", "band")
    ]
    line, _, band = chart.series[:3]
    assert line.xs == (0.5, 1.0, 1.5) and line.ys == pytest.approx((0.705, 0.805, 0.905))
    assert band.ys == pytest.approx((0.7, 0.8, 0.9)) and band.highs == pytest.approx((0.71, 0.81, 0.91))
    assert chart.x.log and chart.x.unit == "ms"
    assert panel(compared, "step").series[0].xs == (2.0, 4.0, 6.0)


def test_the_reference_point_follows_from_the_leads(compared):
    largest = compared.plan.leads[-1].architecture
    assert reference(compared, "params") == (0.5, 2 * cost(largest).params)


def test_sentences_tell_equal_accuracy_areas_levels_and_looks(compared):
    lines = all_sentences(compared, rows(compared), ["2026-11-28"])
    assert lines[0].startswith("ours has the accuracy of theirs 2 (0.8075 at")
    assert "significantly larger than that of theirs" in lines[1]
    assert [line[:14] for line in lines[2:5]] == ["At 100 params,", "At 200 params,", "At 300 params,"]
    assert "b0 is left out." in lines and lines[-1].endswith("once, on 2026-11-28.")


def test_the_page_and_the_figure_show_three_costs(compared, tmp_path):
    page = compared_page(compared, rows(compared), ["One sentence."])
    assert [chart.key for chart in page.charts] == [f"accuracy-{name}" for name in DRAWN]
    assert page.summary == (("Conclusions", "One sentence."),)
    areas = page.sections[1].blocks[2].rows
    assert [row["family"] for row in areas] == ["ours", "theirs"] and areas[0]["area"] > areas[1]["area"]
    png, svg = draw_panels([panel(compared, name) for name in DRAWN], tmp_path / "accuracy")
    assert png.stat().st_size > 10_000 and svg.read_text().count("Accuracy against") == 3
