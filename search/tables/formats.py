"""The formats of tables. Data formats hold exact values, print formats hold rounded values.

pandas, pyarrow and jinja2 are imported when a format needs them.
"""

from __future__ import annotations

import io
from functools import cache
from json import dumps
from typing import TYPE_CHECKING, Any

from search.tables.table import Column, Table
from space.refusal import UserError

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment


def csv(table: Table) -> str:
    """Return comma-separated values under the columns' keys."""
    cells = [[_cell(value) for value in row] for row in table.plain()]
    return str(_frame(cells, [column.key for column in table.columns]).to_csv(index=False))


def json(table: Table) -> str:
    """Return a document with `schema`, `version`, `columns` (their descriptions) and `rows`."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.plain()]
    return dumps({**table.about(), "rows": rows}, indent=1, allow_nan=False) + "\n"


def parquet(table: Table) -> bytes:
    """Return a file of typed columns. Its metadata hold their descriptions, as in `json`, under "compound-nas".

    Integers are exact even in columns with missing values, which pandas reads as Int64. Raises `UserError` for an
    integer of more than 64 bits.
    """
    import pyarrow as pa
    from pyarrow import parquet

    content = pa.Table.from_pandas(frame(table), preserve_index=False)
    about = {b"compound-nas": dumps(table.about()).encode()}
    file = io.BytesIO()
    parquet.write_table(content.replace_schema_metadata({**(content.schema.metadata or {}), **about}), file)
    return file.getvalue()


def frame(table: Table) -> pd.DataFrame:
    """Return columns under their keys, as pandas' nullable types Int64, float64, boolean and string.

    Raises `UserError` for an integer of more than 64 bits.
    """
    import pandas as pd

    values = list(zip(*table.plain(), strict=True)) or [()] * len(table.columns)
    columns = {c.key: _typed(c, list(cells)) for c, cells in zip(table.columns, values, strict=True)}
    return pd.DataFrame(columns)


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
    """Return a tabular of the package booktabs, its caption before it and its legend after it."""
    frame = _frame(table.shown(), [column.heading for column in table.columns])
    align = "".join("r" if numeric else "l" for numeric in table.numeric())
    parts = ["% needs \\usepackage{booktabs}"]
    parts += [_escaped(table.caption) + "\\par"] if table.caption else []
    parts += [str(frame.to_latex(index=False, escape=True, column_format=align)).rstrip()]
    legend = "\\\\\n".join(_escaped(f"{heading}: {description}") for heading, description in table.legend())
    parts += [f"\\par\\smallskip{{\\footnotesize\n{legend}\\par}}"] if legend else []
    return "\n".join(parts) + "\n"


def html(table: Table) -> str:
    """Return a complete page without references to other files, light or dark as the reader's system is."""
    text = environment().get_template("page.html").render(table=table, title=table.caption or table.schema)
    return text + "\n"


def html_table(table: Table) -> str:
    """Return the `<table>` element alone."""
    macros = environment().get_template("table.html").module
    caption = table.caption or table.schema
    return str(macros.table(table.columns, table.shown(), table.numeric(), caption))  # type: ignore[attr-defined]


@cache
def environment(package: str = "", folder: str = "") -> Environment:
    """Return the templates of a package's folder, and those of tables. Inserted values are escaped.

    Raises jinja2's UndefinedError when a template uses a name without a value.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader(package, folder)] if package else []
    return Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("search.tables", "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _frame(cells: list[list[Any]], header: list[str]) -> pd.DataFrame:
    import pandas as pd

    # dtype object: a gap must not turn a column of exact integers into floats.
    return pd.DataFrame(cells, columns=pd.Index(header, dtype=object), dtype=object)


def _typed(column: Column, values: list[Any]) -> pd.Series[Any]:
    """Return a column of a nullable type."""
    import pandas as pd

    kind = column.type or _type(values)
    if kind == "string":
        values = [value if value is None or isinstance(value, str) else dumps(value) for value in values]
    try:
        return pd.Series(values, dtype=_DTYPES[kind])
    except OverflowError:
        raise UserError(
            f"{column.key} has an integer of more than 64 bits, which parquet cannot hold; csv and json can."
        ) from None


_DTYPES = {"integer": "Int64", "number": "float64", "boolean": "boolean", "string": "string"}


def _type(values: list[Any]) -> str:
    """Return the type of a column whose `Column` has none, by its values."""
    present = {type(value) for value in values if value is not None}
    for name, types in (("boolean", {bool}), ("integer", {int}), ("number", {int, float})):
        if present and present <= types:
            return name
    return "string"


def _cell(value: Any) -> Any:
    return dumps(value) if isinstance(value, (dict, list)) else value


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _in_markdown(text: str) -> str:
    """Return a text as a cell of a Markdown table: names of classes and files can hold line breaks and HTML."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return line.replace("|", "\\|").replace("<", "&lt;")
