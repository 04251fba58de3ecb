"""The page in a real browser: it draws without an error, sorts, filters, and fits a phone."""

import csv
import io

import pytest
from helpers.browser import asked, needs_browser
from helpers.runs import filled

from search import open_run
from search.report.comparison_page import comparison_page
from search.report.findings import findings
from search.report.render import html
from search.report.search_page import search_page

pytestmark = [pytest.mark.slow, needs_browser]

STATES = {
    "finished": {"complete": 30, "sampler": "gp"},
    "running": {"complete": 12, "failed": 1, "running": 2},
    "empty": {"complete": 0},
    "failed": {"complete": 0, "failed": 6},
    "long": {"complete": 4900, "failed": 100, "space": "effv2", "sampler": "tpe"},
}
NARROW = """
const frame = document.createElement("iframe");
frame.style.cssText = "width: 390px; height: 800px; border: 0";
frame.srcdoc = document.documentElement.outerHTML;
document.body.append(frame);
await new Promise(loaded => frame.addEventListener("load", loaded));
const inner = frame.contentDocument;
const beyond = node => !node.closest(".wide") && node.getBoundingClientRect().right > 391;
const wide = [...inner.querySelectorAll("main *, header *")].filter(beyond);
const root = inner.documentElement;
return [root.scrollWidth - root.clientWidth, wide.map(node => node.outerHTML.slice(0, 80))];
"""
CELLS = """
const rows = [...document.querySelectorAll(".trials tbody tr")];
return rows.map(row => [...row.cells].map(cell => cell.textContent));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def finished(folder):
    return open_run(filled(folder / "done", complete=30, failed=2, sampler="gp"))


@pytest.mark.parametrize("state", list(STATES))
def test_it_is_drawn_without_an_error_and_fits_a_phone(state, tmp_path):
    page = html(search_page(findings(open_run(filled(tmp_path / state, **STATES[state])))))
    count = "return document.querySelectorAll('figure.chart svg').length"
    drawn, wrong = asked(tmp_path, page, count)
    assert wrong == []
    assert drawn == page.count('class="chart"')
    found, wrong = asked(tmp_path, page, NARROW)
    assert (found, wrong) == ([0, []], [])


def test_searches_side_by_side(finished, tmp_path):
    other = open_run(filled(tmp_path / "other", complete=20, seed=2))
    found, wrong = asked(tmp_path, html(comparison_page([finished, other])), NARROW)
    assert (found, wrong) == ([0, []], [])


def test_what_is_too_wide_is_found(finished, tmp_path):
    page = html(search_page(findings(finished)))
    wide = page.replace("<h2>", '<h2 style="width: 500px">', 1)
    (beyond, named), _ = asked(tmp_path, wide, NARROW)
    assert beyond > 0
    assert len(named) == 1


@pytest.mark.parametrize(("sort", "descending"), [("params", False), ("-params", True)])
def test_the_address_says_the_order(finished, tmp_path, sort, descending):
    rows, wrong = asked(tmp_path, html(search_page(findings(finished))), CELLS, f"#sort={sort}")
    sign = -1 if descending else 1
    by_params = sorted(finished.trials, key=lambda trial: (sign * trial.cost.params, trial.number))
    assert [row[0] for row in rows] == [str(trial.number) for trial in by_params]
    assert wrong == []


def test_a_heading_sorts_the_better_end_up_and_then_the_other(finished, tmp_path):
    script = """
    const rows = () => [...document.querySelectorAll(".trials tbody tr")];
    const numbers = () => rows().map(row => Number(row.cells[0].textContent));
    const named = one => one.textContent.startsWith("Accuracy");
    const click = () => [...document.querySelectorAll("th button")].find(named).click();
    click(); const first = numbers();
    click(); return [first, numbers(), location.hash];
    """
    (first, second, address), wrong = asked(tmp_path, html(search_page(findings(finished))), script)
    best = sorted(finished.ranked, key=lambda trial: (-trial.result.accuracy, trial.number))
    worst = sorted(finished.ranked, key=lambda trial: (trial.result.accuracy, trial.number))
    # Trials without an accuracy are last in either order.
    assert first[:30] == [trial.number for trial in best]
    assert second[:30] == [trial.number for trial in worst]
    assert (first[30:], second[30:]) == ([30, 31], [30, 31])
    assert address == "#sort=accuracy"
    assert wrong == []


def test_a_filter_keeps_words_and_conditions(finished, tmp_path):
    limit = sorted(trial.cost.params for trial in finished.trials)[10]
    address = f"#filter=state%3Dcomplete+params%3C{limit}"
    rows, wrong = asked(tmp_path, html(search_page(findings(finished))), CELLS, address)
    kept = [t for t in finished.trials if t.state == "complete" and t.cost.params < limit]
    assert sorted(int(row[0]) for row in rows) == [trial.number for trial in kept]
    assert wrong == []


def test_axes_are_chosen_and_a_click_opens_the_row(finished, tmp_path):
    script = """
    const select = document.querySelector("select[data-axis=x]");
    select.value = "macs"; select.dispatchEvent(new Event("change"));
    const svg = document.querySelector(".explorer svg"), title = svg.querySelector(".title-x").textContent;
    const explorer = EXPLORERS[0], best = explorer.kept[0], frame = svg.getBoundingClientRect();
    const x = explorer.plot.x(explorer.value("macs", best)), y = explorer.plot.y(explorer.value("accuracy", best));
    const place = {clientX: frame.left + x, clientY: frame.top + y};
    svg.dispatchEvent(new PointerEvent("pointermove", place));
    const told = document.querySelector(".explorer .tip").textContent;
    svg.dispatchEvent(new MouseEvent("click", place));
    const opened = document.querySelector("tr.open").cells[0].textContent;
    return [title, told, opened, document.querySelector("tr.detail").textContent];
    """
    (title, told, opened, detail), wrong = asked(tmp_path, html(search_page(findings(finished))), script)
    best = finished.best
    assert (title, opened) == ("MACs", str(best.number))
    assert str(best.architecture) in told
    assert str(best.architecture) in detail
    assert wrong == []


def test_the_csv_is_the_table(finished, tmp_path):
    text, wrong = asked(tmp_path, html(search_page(findings(finished))), "return EXPLORERS[0].csv()")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 32
    assert {int(row["number"]): row["architecture"] for row in rows} == {
        trial.number: str(trial.architecture) for trial in finished.trials
    }
    assert {row["reason"] for row in rows if row["state"] == "failed"} == {
        trial.reason for trial in finished.trials if trial.reason
    }
    assert wrong == []


def test_numbers_are_written_as_the_tables_write_them(finished, tmp_path):
    from search.tables.table import Column

    cases = [
        (385814752, "si"),
        (0.73456, ".4f"),
        (0.5, ".0%"),
        (12345, ",d"),
        (999.6, "si"),
        (0, "si"),
        (7, "d"),
    ]
    script = f"return {[list(case) for case in cases]}.map(([value, form]) => shown(value, form))"
    found, wrong = asked(tmp_path, html(search_page(findings(finished))), script)
    assert found == [Column("x", "X", form=form).shown(value) for value, form in cases]
    assert wrong == []
