"""`--json` of every command that reads."""

import json

import pytest
from click.testing import CliRunner
from helpers.runs import filled

from scaling.cli.main import cli as scale
from search import open_run
from search.cli.main import search
from space import Space, cost, published


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def told(*words, command=search):
    result = CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_runs():
    assert told("status") == []
    run = open_run(filled("runs/done", complete=4, failed=1, running=1))
    (found,) = told("status")
    assert found == told("status", "done") == told("show", "done")
    assert found["states"] == {"complete": 4, "failed": 1, "running": 1}
    assert (found["running"], found["trials"], found["seconds"]) == ([5], 6, 180.0)
    assert found["best"]["number"] == run.best.number
    assert found["best"]["reward"] == run.best.terms.reward
    assert found["over"] is False


def test_a_run_whose_budget_is_spent_is_over_only_at_its_end():
    filled("runs/killed", complete=4, running=1, budget=60)
    filled("runs/done", complete=4, budget=60)
    found = {name: told("status", name) for name in ("killed", "done")}
    assert [(found[name]["driver"], found[name]["left"], found[name]["over"]) for name in found] == [
        (None, 0, False),
        (None, 0, True),
    ]


def test_a_run_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    filled("runs/done")
    filled("runs/odd")
    (tmp_path / "runs/odd/config.yaml").write_text("space: 1\n")
    assert {("error" in found) for found in told("status")} == {True, False}


def test_trials():
    run = open_run(filled("runs/done", complete=4, failed=1))
    found = told("show", "done:2")
    assert found["choices"] == {
        choice.name: choice.options[index]
        for choice, index in zip(run.config.space.choices, run.trial(2).point, strict=True)
    }
    assert found["result"]["accuracy"] == run.trial(2).result.accuracy
    assert found["network"]["params"] == run.trial(2).cost.params
    assert (told("show", "done:4")["state"], told("show", "done:4")["result"]) == ("failed", None)


def test_networks_part_by_part():
    found = told("show", "b0")
    assert (found["params"], found["macs"]) == (
        cost(published("b0").architecture).params,
        cost(published("b0").architecture).macs,
    )
    assert sum(part["params"] for part in found["parts"]) == found["params"]


def test_spaces():
    found, space = told("show", "space=tiny_space"), Space.load("tiny_space")
    assert found["networks"] == space.size
    assert found["choices"] == {choice.name: list(choice.options) for choice in space.choices}


def test_data():
    found = told("show", "data=shapes", "data.images=200", "data.test_images=20")
    assert sum(found["images"].values()) == 220
    assert len(found["classes"]) == len(found["of_each_class"]["train"])


def test_families():
    found = told("--phi", "1", command=scale)
    assert found["schema"] == "compound-nas.scale"
    assert [row["phi"] for row in found["rows"]] == [1.0]


def test_reports():
    filled("runs/done")
    found = told("report", "done")
    assert found["title"] == "Search done"
    assert found["State"] == "The search is finished: 12 complete of 12."
    assert not list(open_run("done").path.glob("*.html"))
