import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from search.tables import FORMATS, Column, render, si, write
from space import Refused

COLUMNS = [
    Column("name", "Name"),
    Column("macs", "MACs", "multiply-adds", "of convolutions & classifier, 100% exact", "si"),
    Column("accuracy", "Accuracy", description="on the validation split", form=".1%"),
    Column("published", "Published"),
]
ROWS = [
    {"name": "b_0|x", "macs": 385814752, "accuracy": 0.1 + 0.2, "published": True},
    {"name": 'say "hi", all', "macs": None, "accuracy": math.nan, "published": False},
    {"name": "numpy", "macs": np.int64(2**40 + 1), "accuracy": np.float64(1 / 3)},
]


def test_csv_holds_exact_values_and_empty_cells():
    rows = list(csv.DictReader(io.StringIO(render(ROWS, COLUMNS, "csv"))))
    assert rows[0] == {
        "name": "b_0|x",
        "macs": "385814752",
        "accuracy": "0.30000000000000004",
        "published": "True",
    }
    assert rows[1] == {"name": 'say "hi", all', "macs": "", "accuracy": "", "published": "False"}
    assert rows[2]["macs"] == "1099511627777"
    assert float(rows[2]["accuracy"]) == 1 / 3


def test_json_is_a_versioned_schema_without_nan():
    document = json.loads(
        render(ROWS, COLUMNS, "json", schema="trials", version=3),
        parse_constant=lambda name: pytest.fail(name),
    )
    assert (document["schema"], document["version"]) == ("trials", 3)
    assert [column["key"] for column in document["columns"]] == ["name", "macs", "accuracy", "published"]
    assert document["columns"][1]["unit"] == "multiply-adds"
    assert document["rows"][0] == ROWS[0]
    assert document["rows"][1] == {**ROWS[1], "accuracy": None}
    assert document["rows"][2] == {"name": "numpy", "macs": 2**40 + 1, "accuracy": 1 / 3, "published": None}


def test_markdown_rounds_and_explains():
    text = render(ROWS, COLUMNS, "md", caption="A caption")
    assert text.startswith("A caption\n\n| Name")
    assert "MACs (multiply-adds) |" in text
    assert "| b_0\\|x" in text
    assert "386M" in text
    assert "30.0%" in text
    assert "yes" in text
    assert "\n- MACs (multiply-adds): of convolutions & classifier, 100% exact\n" in text
    assert "---:|" in text.splitlines()[3]


def test_latex_is_escaped_and_booktabs():
    text = render(ROWS, COLUMNS, "latex", caption="50% of it")
    assert "\\toprule" in text
    assert "b\\_0|x & 386M & 30.0\\% & yes" in text
    assert "\\begin{tabular}{lrrl}" in text
    assert "50\\% of it" in text
    assert "convolutions \\& classifier, 100\\% exact" in text


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_takes_no_rows(format):
    assert render([], COLUMNS, format)


def test_a_file_is_replaced_whole(tmp_path, capsys):
    out = tmp_path / "new" / "table.csv"
    write(ROWS, COLUMNS, "csv", out)
    write(ROWS[:1], COLUMNS, "csv", out)
    assert out.read_text() == render(ROWS[:1], COLUMNS, "csv")
    assert [path.name for path in out.parent.iterdir()] == ["table.csv"]
    assert capsys.readouterr().out == ""


def test_standard_output_without_a_file(capsys):
    write(ROWS, COLUMNS, "json")
    assert json.loads(capsys.readouterr().out)["version"] == 1


def test_devices_are_written_to_and_never_replaced():
    write(ROWS, COLUMNS, "csv", Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
    with pytest.raises(Refused, match=r"Cannot write /dev/full: No space left on device"):
        write(ROWS, COLUMNS, "csv", Path("/dev/full"))


def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path, tmp_path / "file" / "table.csv"):
        with pytest.raises(Refused, match=r"^Cannot write [^\n]*\.$"):
            write(ROWS, COLUMNS, "csv", out)
    assert (tmp_path / "file").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 1


def test_unknown_format_names_the_nearest():
    with pytest.raises(Refused, match=r"Unknown format 'jsn'\. Did you mean 'json'"):
        render(ROWS, COLUMNS, "jsn")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (999.6, "1k"), (385814752, "386M"), (1827141392, "1.83G"), (5.2e13, "52T")],
)
def test_si(value, text):
    assert si(value) == text
