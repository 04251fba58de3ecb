"""Every table of both commands in every format: read back, or checked for valid syntax."""

import io
import json
import re
import shutil
import subprocess

import pandas as pd
import pytest
from helpers.runs import filled

from scaling import family
from scaling.fitting.tables import CANDIDATES, COMPARISON
from scaling.rows import ALL_COLUMNS, model_row, published_row
from search import open_run
from search.tables.table import ABOUT, schema_rows
from search.tables.writing import render
from search.trials.columns import TRIALS, row
from space import published

UNLIKE = "50% of $5 & #1_a {b} ~ ^ \\ x"
"""All characters that LaTeX needs escaped."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    run = open_run(filled(tmp_path_factory.mktemp("runs") / "r", complete=5, failed=2))
    networks = [*map(model_row, family("b0", (0, 1.5))), published_row(published("b3"))]
    candidate = {"number": 1, "alpha": 1.2, "published": True, "accuracy": 0.5, "standing": UNLIKE}
    return {
        "trials": ([row(trial) for trial in run.trials], TRIALS),
        "scale": (networks, ALL_COLUMNS),
        "candidates": ([candidate], CANDIDATES),
        "comparison": ([{"what": UNLIKE, "phi": 1.0, "significant": False}], COMPARISON),
        "schema": (schema_rows(TRIALS), ABOUT),
        "nothing": ([], TRIALS),
    }


NAMES = ("trials", "scale", "candidates", "comparison", "schema", "nothing")


@pytest.mark.parametrize("name", NAMES)
def test_csv_and_parquet_are_read_back(tables, name):
    rows, columns = tables[name]
    for read, form in ((pd.read_csv, "csv"), (pd.read_parquet, "parquet")):
        text = render(rows, columns, form)
        frame = read(io.BytesIO(text.encode() if isinstance(text, str) else text))
        assert list(frame.columns) == [column.key for column in columns]
        assert len(frame) == len(rows)
        for column in columns:
            for found, known in zip(frame[column.key], rows, strict=True):
                value = known.get(column.key)
                # The text is exact; pandas' reader of it may be a bit off.
                near = pytest.approx(value, rel=1e-14) if isinstance(value, float) else value
                assert pd.isna(found) or found == "" if value in (None, "") else found == near


@pytest.mark.parametrize("name", NAMES)
def test_json_is_read_back(tables, name):
    rows, columns = tables[name]
    keys = [column.key for column in columns]
    found = json.loads(render(rows, columns, "json"))["rows"]
    assert found == [{key: known.get(key) for key in keys} for known in rows]


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_well_formed(tables, name):
    rows, columns = tables[name]
    text = render(rows, columns, "latex", caption=UNLIKE)
    assert text.startswith("% needs \\usepackage{booktabs}\n")
    lines = text.split("\n", 1)[1]
    # What is left of it without commands and what is escaped.
    bare = re.sub(r"\\[a-zA-Z]+|\\[&%$#_{}\\]", "", lines)
    assert not set("%$#_^~\\") & set(bare)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\(begin|end)\{(\w+)\}", lines) == [("begin", "tabular"), ("end", "tabular")]
    (places,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", lines)
    assert len(places) == len(columns)
    table = lines[lines.index("\\toprule") : lines.index("\\end{tabular}")]
    body = [line for line in table.splitlines() if line.endswith("\\\\")]
    assert len(body) == 1 + len(rows)
    assert all(len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1 for line in body)
    assert [table.count(f"\\{rule}") for rule in ("toprule", "midrule", "bottomrule")] == [1, 1, 1]
    assert text.isascii()


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="needs pdflatex: apt install texlive-latex-recommended"
)
@pytest.mark.parametrize("name", NAMES)
def test_latex_compiles(tables, name, tmp_path):
    table = render(*tables[name], "latex", caption=UNLIKE)
    (tmp_path / "table.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + table + "\\end{document}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000


@pytest.mark.parametrize("name", NAMES)
def test_markdown_has_as_many_cells_in_every_line(tables, name):
    rows, columns = tables[name]
    lines = [line for line in render(rows, columns, "md").splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(columns) + 1}
    assert len(lines) == 2 + len(rows)


def test_columns_with_a_unit_show_it():
    assert {c.heading for c in (*TRIALS, *ALL_COLUMNS) if c.unit} >= {
        "Step (ms)",
        "Time (s)",
        "Resolution (px)",
    }
