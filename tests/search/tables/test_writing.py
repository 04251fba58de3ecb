import csv
import io
import json
import math
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from search.tables.formats import _in_markdown
from search.tables.table import Column
from search.tables.writing import FORMATS, format_of, render, write
from space import UserError

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


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+cat", "-rare", "@home", "\t=1", "\r=1", "'=1", "''@x", '=HYPERLINK("x";"y")', "-", "-1-1"],
)
def test_csv_has_no_formulas(name):
    """Class and file names are the user's; one apostrophe less and they are exact."""
    text = render([{"name": name}], COLUMNS[:1], "csv")
    assert next(csv.DictReader(io.StringIO(text, newline="")))["name"] == f"'{name}"
    assert json.loads(render([{"name": name}], COLUMNS[:1], "json"))["rows"] == [{"name": name}]


@pytest.mark.parametrize("name", ["cat", "'cat", "-0.07", "+1e-3", "a=b", " =1", "", "1-1", "é"])
def test_csv_leaves_other_texts_as_they_are(name):
    text = render([{"name": name, "macs": -5}], COLUMNS[:2], "csv")
    assert next(csv.DictReader(io.StringIO(text, newline=""))) == {"name": name, "macs": "-5"}


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


def test_parquet_is_exact_also_where_values_are_missing(tmp_path):
    write(ROWS, COLUMNS, "parquet", tmp_path / "t.parquet", schema="trials", version=3)
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame["macs"].dtype == "Int64"
    assert frame["macs"].tolist() == [385814752, pd.NA, 2**40 + 1]
    assert frame["accuracy"].dtype == "float64"
    assert frame["accuracy"].tolist()[::2] == [0.1 + 0.2, 1 / 3]
    assert math.isnan(frame["accuracy"][1])
    assert frame["published"].tolist() == [True, False, pd.NA]
    assert frame["name"].tolist() == ["b_0|x", 'say "hi", all', "numpy"]


def test_parquet_says_what_json_says_about_its_columns(tmp_path):
    write(ROWS, COLUMNS, "parquet", tmp_path / "t.parquet", schema="trials", version=3)
    about = json.loads(parquet.read_schema(tmp_path / "t.parquet").metadata[b"compound-nas"])
    document = json.loads(render(ROWS, COLUMNS, "json", schema="trials", version=3))
    assert about == {key: document[key] for key in ("schema", "version", "columns")}


def test_parquet_keeps_the_types_of_columns_that_are_empty(tmp_path):
    write([{"name": "x"}], COLUMNS, "parquet", tmp_path / "t.parquet")
    types = {field.name: str(field.type) for field in parquet.read_schema(tmp_path / "t.parquet")}
    assert (types["macs"], types["accuracy"]) == ("int64", "double")


def test_parquet_refuses_integers_that_it_cannot_hold():
    with pytest.raises(UserError, match=r"^macs has an integer of more than 64 bits"):
        render([{"macs": 2**70}], COLUMNS, "parquet")


def test_parquet_takes_what_no_column_type_tells(tmp_path):
    columns = [Column("flag", "Flag"), Column("list", "List"), Column("mixed", "Mixed")]
    rows = [{"flag": True, "list": [1, 2.5], "mixed": 1}, {"flag": None, "list": None, "mixed": 0.5}]
    write(rows, columns, "parquet", tmp_path / "t.parquet")
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame["flag"][0]
    assert frame["list"].tolist() == ["[1, 2.5]", pd.NA]
    assert frame["mixed"].tolist() == [1.0, 0.5]


def test_html_is_well_formed_escaped_and_rounded():
    hostile = [*COLUMNS[:1], Column("macs", "<MACs>", "&", 'say "it"', "si")]
    text = render(
        [{"name": "<script>alert(1)</script>", "macs": 385814752}], hostile, "html", caption="a < b"
    )
    assert "<script>" not in text
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.text["title"] == page.text["caption"] == "a < b"
    assert page.cells == ["Name", "<MACs> (&)", "<script>alert(1)</script>", "386M"]
    assert page.text["dd"] == 'say "it"'
    assert "color-scheme: light dark" in text


def test_html_needs_nothing_from_elsewhere():
    text = render(ROWS, COLUMNS, "html")
    assert not any(word in text for word in ("src=", "href=", "@import", "url("))


class Page(HTMLParser):
    """What a page says, and the elements that it leaves open."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.cells = [], {}, []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and data.strip():
            self.text[self.open[-1]] = data
            if self.open[-1] in ("th", "td"):
                self.cells.append(data)


@pytest.mark.parametrize(
    ("name", "out", "format"),
    [
        ("md", None, "md"),
        ("md", "t.csv", "md"),
        (None, "t.parquet", "parquet"),
        (None, "t.TEX", "latex"),
        (None, "a.b/t.markdown", "md"),
        (None, "t.htm", "html"),
    ],
)
def test_the_format_that_was_asked_for(name, out, format):
    assert format_of(name, out and Path(out)) == format


def test_a_file_that_does_not_say_its_format():
    with pytest.raises(UserError, match=r"^t\.txt: unknown ending; add --format csv\|json\|"):
        format_of(None, Path("t.txt"))
    with pytest.raises(UserError, match="Did you mean 'parquet'"):
        format_of("parket", Path("t.csv"))


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
    with pytest.raises(UserError, match=r"Cannot write /dev/full: No space left on device"):
        write(ROWS, COLUMNS, "csv", Path("/dev/full"))


def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path, tmp_path / "file" / "table.csv"):
        with pytest.raises(UserError, match=r"^Cannot write [^\n]*\.$"):
            write(ROWS, COLUMNS, "csv", out)
    assert (tmp_path / "file").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 1


def test_unknown_format_names_the_nearest():
    with pytest.raises(UserError, match=r"Unknown format 'jsn'\. Did you mean 'json'"):
        render(ROWS, COLUMNS, "jsn")


@pytest.mark.parametrize(
    ("name", "cell"),
    [("a|b", r"a\|b"), ("new\nline", r"new\nline"), ("<img src=x>", "&lt;img src=x>"), ("\u202e", r"\u202e")],
)
def test_names_of_classes_and_files_are_escaped_in_markdown(name, cell):
    assert _in_markdown(name) == cell
