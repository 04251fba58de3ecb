"""What programs read from exported tables stays what it is, or its version rises."""

import json
from pathlib import Path

import pytest

from scaling import rows as scale
from search.models import predict
from search.runs import rescoring
from search.tables.table import schema_rows
from search.trials import columns as trials

ROOT = Path(__file__).parents[3]
GOLDEN = json.loads((ROOT / "tests/golden/schemas.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("module", "columns"),
    [
        (trials, trials.TRIALS),
        (rescoring, rescoring.RESCORED),
        (predict, predict.PREDICTIONS),
        (scale, scale.ALL_COLUMNS),
    ],
    ids=["trials", "rescored", "predictions", "scale"],
)
def test_the_schema_of_this_version(module, columns):
    versions = GOLDEN[module.SCHEMA]
    found = {row["key"]: row["type"] for row in schema_rows(columns)}
    assert versions.get(str(module.VERSION)) == found, (
        f"The columns of {module.SCHEMA} changed: raise its VERSION, and write them under the new version into "
        "tests/golden/schemas.json, leaving the older ones there."
    )
    assert max(map(int, versions)) == module.VERSION


def test_the_readme_names_every_column_of_a_trial():
    readme = (ROOT / "search/README.md").read_text("utf-8")
    assert [column.key for column in trials.TRIALS if f"`{column.key}`" not in readme] == []


def test_rewards_and_accuracies_are_better_high_and_costs_low():
    better = {column.key: column.better for column in trials.TRIALS}
    assert {key for key, way in better.items() if way == "high"} >= {"reward", "accuracy"}
    assert {key for key, way in better.items() if way == "low"} >= {"params", "macs", "step_ratio", "loss"}
