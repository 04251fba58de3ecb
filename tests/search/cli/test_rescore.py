"""`search rescore` as a user types it."""

import csv
import io
import json

import pytest
from click.testing import CliRunner
from helpers.quick import DONE

from search import open_run
from search.cli.main import search
from space import UserError

SMALL = {**DONE, "step": "measured", "trials": 14}


pytestmark = pytest.mark.usefixtures("finished_run")


def said(*words):
    result = CliRunner().invoke(search, ["rescore", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_first_are_told_with_where_they_were():
    text = said("done", "reward.w=-0.3", "--top", "3")
    assert [word in text for word in ("Rank", "Before", "Reward before", "Next: search show done:")] == [
        True
    ] * 4
    assert "the best before" in text or "stays the best" in text
    assert all(name in text for name in ("best", "most accurate", "cheapest"))
    assert said("done", "reward.w=-0.07").count("\n") > said("done", "reward.w=-0.07", "--top", "2").count(
        "\n"
    )


def test_limits_say_what_they_cost():
    best = open_run("done").best.cost.params
    text = said("done", f"limit.params={best - 1}")
    assert "exceed a limit" in text
    assert "the best before, exceeds a limit" in text


def test_limits_that_nothing_keeps():
    text = said("done", "limit.params=1")
    assert "14 of 14 trials exceed a limit" in text
    assert "Next" not in text


def test_it_is_written_like_any_table(tmp_path):
    rows = list(csv.DictReader(io.StringIO(said("done", "reward.w=-0.3", "--format", "csv"))))
    assert [int(row["rank"]) for row in rows] == list(range(1, 15))
    document = json.loads(said("done", "reward.w=-0.3", "--format", "json", "--top", "2"))
    assert (document["schema"], document["version"], len(document["rows"])) == ("compound-nas.rescored", 3, 2)
    assert said("done", "reward.w=-0.3", "--out", str(tmp_path / "t.md")) == ""
    assert "- Before: by the run's own" in (tmp_path / "t.md").read_text()
    short = said("done", "reward.w=-0.3", "--columns", "rank,number", "--top", "1")
    assert short.splitlines()[0] == "rank,number"


def test_nothing_to_score_by_is_a_mistake():
    assert CliRunner().invoke(search, ["rescore", "done"]).exit_code == 2
    with pytest.raises(UserError, match="Did you mean 'done'"):
        said("dome", "reward.w=0")
