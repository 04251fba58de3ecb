"""The page as a file: complete in itself, safe, and honest at every moment of a run."""

import json
import re
from html.parser import HTMLParser

import pytest
from helpers.runs import filled, train_again

from search import open_run
from search.report.comparison_page import comparison_page
from search.report.findings import findings
from search.report.render import html
from search.report.search_page import search_page

STATES = {
    "finished": {"complete": 30, "sampler": "gp"},
    "running": {"complete": 12, "failed": 1, "running": 2},
    "empty": {"complete": 0},
    "failed": {"complete": 0, "failed": 6},
}


class Elements(HTMLParser):
    """Every element that begins, with its attributes; and those that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=list(STATES))
def page(request, tmp_path_factory):
    path = filled(tmp_path_factory.mktemp("runs") / request.param, **STATES[request.param])
    return html(search_page(findings(open_run(path))))


def data(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_elements_are_closed_and_nothing_is_fetched(page):
    elements = Elements(page)
    assert elements.open == []
    for tag, attributes in elements.found:
        assert tag not in ("iframe", "img", "object", "embed")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith(("#", "data:"))
    assert "default-src 'none'" in page


def test_what_comes_from_data_is_text(page):
    assert "<b>bee</b>" not in page
    assert "<i>nan</i>" not in page
    assert "&lt;b&gt;bee&lt;/b&gt;" in page


def test_every_section_is_there(page):
    keys = re.findall(r'<section id="(\w+)">', page)
    assert keys == [
        "searched",
        "winner",
        "progress",
        "trials",
        "curves",
        "choices",
        "steps",
        "failures",
        "again",
    ]


def test_the_reproduction_command_is_there(page):
    assert "search launch space=tiny_space &#39;data.path=my photos&#39;<" in page


def test_all_trials_are_in_it_column_by_column(tmp_path):
    run = open_run(filled(tmp_path / "r", complete=5, failed=2))
    (explorer,) = data(html(search_page(findings(run))))["explorers"]
    assert explorer["values"]["number"] == list(range(7))
    assert explorer["values"]["architecture"] == [str(trial.architecture) for trial in run.trials]
    rewards = explorer["values"]["reward"]
    assert rewards[5:] == [None, None]
    assert rewards[:5] == pytest.approx([trial.terms.reward for trial in run.trials[:5]], rel=1e-7)
    assert {"reward", "accuracy", "params", "macs", "step_ms"} <= set(explorer["axes"])


def test_failures_of_one_reason_are_one_row(tmp_path):
    page = html(search_page(findings(open_run(filled(tmp_path / "r", complete=1, failed=12)))))
    assert re.search(r'<td class="n">12</td>\s*<td>diverged at step 1: &lt;i&gt;nan&lt;/i&gt;</td>', page)
    assert "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, and 2 more" in page


def test_finals_have_a_section_while_they_last_and_at_their_end(tmp_path):
    path = filled(tmp_path / "r", complete=30, finals="auto")
    train_again(path, most=3)
    page = html(search_page(findings(open_run(path))))
    assert "3 of 8 trainings" in page
    train_again(path)
    page = html(search_page(findings(open_run(path))))
    assert "rank reliability" in page
    assert re.search(r'<section id="finals">.*?</section>', page, re.DOTALL)[0].count("<tr>") == 5


def test_the_front_of_a_multi_objective_search_has_a_section(tmp_path):
    run = open_run(filled(tmp_path / "r", complete=20, reward="pareto"))
    found = html(search_page(findings(run)))
    assert '<section id="front">' in found and "hypervolume" in found
    plain = open_run(filled(tmp_path / "plain", complete=20))
    assert '<section id="front">' not in html(search_page(findings(plain)))


def test_a_page_that_follows_a_search_says_how_often(tmp_path):
    run = open_run(filled(tmp_path / "r", complete=2, running=1))
    assert data(html(search_page(findings(run))))["refresh"] is None
    followed = html(search_page(findings(run), refresh=30))
    assert data(followed)["refresh"] == 30
    assert "reloads every 30 s" in followed


def test_searches_side_by_side(tmp_path):
    runs = [open_run(filled(tmp_path / f"r{seed}", complete=6, seed=seed)) for seed in (1, 2)]
    page = html(comparison_page(runs))
    (explorer,) = data(page)["explorers"]
    assert sorted(set(explorer["values"]["run"])) == sorted(run.name for run in runs)
    # The first column names a point of the scatter.
    assert [column["key"] for column in explorer["columns"]][:2] == ["number", "run"]
    assert Elements(page).open == []


@pytest.mark.slow
def test_five_thousand_trials_stay_below_three_megabytes(tmp_path):
    run = open_run(filled(tmp_path / "r", complete=4900, failed=100, space="effv2", sampler="tpe"))
    assert len(html(search_page(findings(run))).encode()) < 3e6
