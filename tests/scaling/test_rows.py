import json
from pathlib import Path

import pytest

from scaling import RULES, scale
from scaling.rows import ALL_COLUMNS, COLUMNS, model_row, published_row
from space import CATALOG, cost, decode

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "efficientnets.json").read_text())
PUBLISHED = {
    (row["network"], row["resolution"]): row for row in GOLDEN["networks"] if row["network"] in CATALOG
}


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in PUBLISHED))
def test_published_rows_are_exact(name):
    row = published_row(CATALOG[name])
    golden = PUBLISHED[name, row["resolution"]]
    for key in ("params", "macs", "activations", "blocks"):
        assert row[key] == golden[key]
    assert row["published"] is True
    assert row["train_resolution"] == golden["train_resolution"] or golden["train_resolution"] is None


@pytest.mark.parametrize("rule", RULES)
def test_a_row_of_a_formula_is_not_published(rule):
    row = model_row(scale("v2-b0", -0.5, rule=rule))
    assert row["published"] is False
    assert row["rule"] == rule
    assert set(row) == {column.key for column in ALL_COLUMNS} - {
        "family",
        "note",
        "predicted_ms",
        "latency_ms",
    }
    spent = cost(decode(row["architecture"]))
    assert (spent.params, spent.macs, spent.activations) == (row["params"], row["macs"], row["activations"])
    assert row["two_to_phi"] == 2**-0.5


def test_columns_have_distinct_keys():
    keys = [column.key for column in ALL_COLUMNS]
    assert len(set(keys)) == len(keys)
    assert ALL_COLUMNS[: len(COLUMNS)] == COLUMNS
    assert set(published_row(CATALOG["b0"])) <= set(keys)
