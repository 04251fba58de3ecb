"""The formats of tables. Data formats hold exact values, print formats hold rounded values.

pandas, pyarrow and jinja2 are imported when a format needs them.
"""

from __future__ import annotations

import io
import re
from csv import QUOTE_MINIMAL, QUOTE_NONNUMERIC
from json import dumps
from typing import TYPE_CHECKING, Any

from search.tables.html import environment
from search.tables.table import Table
from search.tables.units import one_line

if TYPE_CHECKING:
    import pandas as pd


def csv(table: Table) -> str:
    """Return comma-separated values under the columns' keys.

    Spreadsheets run texts that begin with =, +, -, @, a tab or a carriage return as formulas. An apostrophe is put in
    front of such a text unless it is a number, and also if the text has apostrophes before such a character already.
    To get the exact value of a cell with apostrophes before such a character, remove the first apostrophe.
    """
    cells = [[_in_csv(_cell(value)) for value in row] for row in table.plain()]
    frame = _frame(cells, [column.key for column in table.columns])
    # Python 3.11 does not quote carriage returns, which readers would take for the end of a row.
    returns = any("\r" in cell for row in cells for cell in row if isinstance(cell, str))
    return str(frame.to_csv(index=False, quoting=QUOTE_NONNUMERIC if returns else QUOTE_MINIMAL))


def json(table: Table) -> str:
    """Return a JSON object with `schema`, `version`, `columns` (their descriptions) and `rows`."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.plain()]
    return dumps({**table.about(), "rows": rows}, indent=1, allow_nan=False) + "\n"


def parquet(table: Table) -> bytes:
    """Return a Parquet file. Its metadata hold the descriptions of the columns, as in `json`, under "compound-nas".

    Integers are exact even in columns with missing values, which pandas reads as Int64. Raises `UserError` for an
    integer of more than 64 bits.
    """
    import pyarrow as pa
    from pyarrow import parquet

    content = pa.Table.from_pandas(table.to_dataframe(), preserve_index=False)
    about = {b"compound-nas": dumps(table.about()).encode()}
    file = io.BytesIO()
    parquet.write_table(content.replace_schema_metadata({**(content.schema.metadata or {}), **about}), file)
    return file.getvalue()


def markdown(table: Table) -> str:
    """Return a table in GitHub's Markdown, its caption before it and its legend after it."""
    cells = [[_in_markdown(text) for text in row] for row in table.shown()]
    frame = _frame(cells, [column.heading for column in table.columns])
    align = ["right" if numeric else "left" for numeric in table.numeric()]
    # disable_numparse: the cells are rounded already.
    text = frame.to_markdown(index=False, disable_numparse=True, colalign=align if cells else None)
    legend = "\n".join(f"- {heading}: {description}" for heading, description in table.legend())
    return "\n\n".join(filter(None, (table.caption, str(text), legend))) + "\n"


def latex(table: Table) -> str:
    """Return a LaTeX tabular for the package booktabs, its caption before it and its legend after it."""
    frame = _frame(table.shown(), [column.heading for column in table.columns])
    align = "".join("r" if numeric else "l" for numeric in table.numeric())
    parts = ["% needs \\usepackage{booktabs}"]
    parts += [_escaped(table.caption) + "\\par"] if table.caption else []
    parts += [str(frame.to_latex(index=False, escape=True, column_format=align)).rstrip()]
    legend = "\\\\\n".join(_escaped(f"{heading}: {description}") for heading, description in table.legend())
    parts += [f"\\par\\smallskip{{\\footnotesize\n{legend}\\par}}"] if legend else []
    return "\n".join(parts) + "\n"


def html(table: Table) -> str:
    """Return a complete page without references to other files, light or dark like the reader's system."""
    text = environment().get_template("page.html").render(table=table, title=table.caption or table.schema)
    return text + "\n"


def _frame(cells: list[list[Any]], header: list[str]) -> pd.DataFrame:
    import pandas as pd

    # With dtype object, a missing value does not turn a column of exact integers into floats.
    return pd.DataFrame(cells, columns=pd.Index(header, dtype=object), dtype=object)


def _cell(value: Any) -> Any:
    return dumps(value) if isinstance(value, (dict, list)) else value


_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", re.IGNORECASE)


def _in_csv(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet runs as a formula."""
    formula = isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value)
    return f"'{value}" if formula else value


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _in_markdown(text: str) -> str:
    """Return a text escaped for a Markdown table, since names of classes and files can hold line breaks and HTML."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")
