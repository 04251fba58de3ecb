"""`search report` as a user types it."""

import fcntl
import json
import threading
import time

import pytest
from click.testing import CliRunner
from helpers.runs import filled

from search import open_run
from search.cli.main import search
from search.report.answers import advice
from search.report.findings import findings
from search.runs.run import LOCK
from space import UserError

pytestmark = pytest.mark.usefixtures("at_home")


def reported(*words):
    result = CliRunner().invoke(search, ["report", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_page_is_in_the_folder_of_the_run(tmp_path):
    filled("runs/done")
    assert reported("done") == "wrote runs/done/report.html\n"
    assert "<title>Search done</title>" in (tmp_path / "runs/done/report.html").read_text()


def test_a_search_without_training_has_its_page_too():
    filled("runs/done", space="inside:b0", sampler="evolution", proxy="finetune", proxy__epochs=0)
    assert reported("done") == "wrote runs/done/report.html\n"


def test_or_where_it_is_asked_for(tmp_path):
    filled("runs/done")
    reported("done", "--out", "there/page.html")
    assert (tmp_path / "there/page.html").exists()
    assert not (tmp_path / "runs/done/report.html").exists()


def test_the_advice_is_printed_too():
    filled("runs/done")
    said = advice(findings(open_run("done")))
    assert said and json.loads(reported("done", "--json"))["advice"] == said


def test_several_runs_are_compared_here(tmp_path):
    filled("runs/one")
    filled("runs/other", seed=1)
    assert reported("one", "other") == "wrote report.html\n"
    assert "<title>2 searches compared</title>" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_its_charts_as_figures(tmp_path):
    filled("runs/done")
    told = reported("done", "--figures", "figures")
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"reward-over-trials.png", "reward-over-trials.svg", "accuracy-params.png"} <= drawn
    assert told.count("wrote figures/") == len(drawn)


def test_a_run_that_is_watched_is_written_until_it_ends(tmp_path):
    path = filled("runs/done", complete=3, running=1)
    page = path / "report.html"
    with open(path / LOCK, "w") as lock:
        lock.write("process 1 on here")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        watching = threading.Thread(target=reported, args=("done", "--watch", "--every", "1"))
        watching.start()
        for _ in range(100):
            if page.exists() and "reads itself anew every 1 s" in page.read_text():
                break
            time.sleep(0.1)
        assert watching.is_alive()
        fcntl.flock(lock, fcntl.LOCK_UN)
    watching.join(timeout=60)
    assert not watching.is_alive()
    assert "reads itself anew" not in page.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dnoe"], "Did you mean 'done'"),
        (["done", "done"], "The run done is given twice"),
        (["done", "--out", "/dev/null/x.html"], "Cannot write /dev/null/x.html"),
        (["done", "--out", "page"], "--out page: a report is a .html file"),
    ],
)
def test_mistakes_are_refused_and_write_nothing(words, message, tmp_path):
    filled("runs/done")
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(search, ["report", *words], catch_exceptions=False)
    assert not list(tmp_path.rglob("*.html")) and not (tmp_path / "page").exists()
