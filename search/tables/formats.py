"""How a table is rendered in each format. Data forms hold what the rows hold, print forms what a page has room for.

pandas and pyarrow are imported when they are asked for.
"""

from __future__ import annotations

import io
from html import escape
from json import dumps
from typing import TYPE_CHECKING, Any

from space.refusal import UserError

if TYPE_CHECKING:
    import pandas as pd

    from search.tables.table import Column, Table


def csv(table: Table) -> str:
    """Comma-separated values under the columns' keys."""
    cells = [[_cell(value) for value in row] for row in table.plain()]
    return str(_frame(cells, [column.key for column in table.columns]).to_csv(index=False))


def json(table: Table) -> str:
    """A document with `schema`, `version`, `columns` (what each is) and `rows`."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.plain()]
    return dumps({**table.about(), "rows": rows}, indent=1, allow_nan=False) + "\n"


def parquet(table: Table) -> bytes:
    """Typed columns. The file's metadata has what `json` says about them, under "compound-nas".

    Integers are exact, also where some are missing: pandas reads such columns as Int64. Raises `UserError` for
    an integer of more than 64 bits.
    """
    import pyarrow as pa
    from pyarrow import parquet

    made = pa.Table.from_pandas(frame(table), preserve_index=False)
    about = {b"compound-nas": dumps(table.about()).encode()}
    file = io.BytesIO()
    parquet.write_table(made.replace_schema_metadata({**(made.schema.metadata or {}), **about}), file)
    return file.getvalue()


def frame(table: Table) -> pd.DataFrame:
    """Typed columns under their keys: Int64, float64, boolean and string, where values may be missing.

    Raises `UserError` for an integer of more than 64 bits.
    """
    import pandas as pd

    values = list(zip(*table.plain(), strict=True)) or [()] * len(table.columns)
    columns = {c.key: _typed(c, list(found)) for c, found in zip(table.columns, values, strict=True)}
    return pd.DataFrame(columns)


def markdown(table: Table) -> str:
    """A table of GitHub's Markdown, with its caption before it and its legend after it."""
    cells = [[text.replace("|", "\\|") for text in row] for row in table.shown()]
    frame = _frame(cells, [column.heading for column in table.columns])
    align = ["right" if numeric else "left" for numeric in table.numeric()]
    # disable_numparse: the cells are rounded already.
    text = frame.to_markdown(index=False, disable_numparse=True, colalign=align if cells else None)
    legend = "\n".join(f"- {heading}: {description}" for heading, description in table.legend())
    return "\n\n".join(filter(None, (table.caption, str(text), legend))) + "\n"


def latex(table: Table) -> str:
    """A tabular of the package booktabs, with its caption before it and its legend after it."""
    frame = _frame(table.shown(), [column.heading for column in table.columns])
    align = "".join("r" if numeric else "l" for numeric in table.numeric())
    parts = ["% needs \\usepackage{booktabs}"]
    parts += [_escaped(table.caption) + "\\par"] if table.caption else []
    parts += [str(frame.to_latex(index=False, escape=True, column_format=align)).rstrip()]
    legend = "\\\\\n".join(_escaped(f"{heading}: {description}") for heading, description in table.legend())
    parts += [f"\\par\\smallskip{{\\footnotesize\n{legend}\\par}}"] if legend else []
    return "\n".join(parts) + "\n"


def html(table: Table) -> str:
    """A page that needs nothing beside it, light or dark as the reader's system is."""
    legend = "\n".join(
        f"<dt>{escape(heading)}</dt><dd>{escape(text)}</dd>" for heading, text in table.legend()
    )
    title = escape(table.caption or table.schema)
    return _PAGE.format(
        title=title, style=_STYLE, table=html_table(table), legend=legend and f"<dl>\n{legend}\n</dl>\n"
    )


def html_table(table: Table) -> str:
    """The table alone, as an element of a page."""
    kinds = [' class="n"' if numeric else "" for numeric in table.numeric()]
    head = "".join(
        f'<th scope="col"{kind} title="{escape(column.description)}">{escape(column.heading)}</th>'
        for kind, column in zip(kinds, table.columns, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True))
        + "</tr>"
        for row in table.shown()
    )
    title = escape(table.caption or table.schema)
    return f"""\
<table>
<caption>{title}</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>"""


_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
<div>{table}</div>
{legend}</html>
"""

# Lines and stripes are mixed from the text's own colour, so they suit a light page and a dark one.
_STYLE = """
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; --line: rgb(128 128 128 / 35%) }
body { margin: 2em }
div { overflow-x: auto }
table { border-collapse: collapse; white-space: nowrap; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding-bottom: .6em }
th, td { text-align: left; padding: .25em .8em; border-bottom: 1px solid var(--line) }
thead th { border-bottom-width: 2px }
tbody tr:hover { background: rgb(128 128 128 / 15%) }
.n { text-align: right }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1em; font-size: .9em }
dd { margin: 0 }
"""


def _frame(cells: list[list[Any]], header: list[str]) -> pd.DataFrame:
    import pandas as pd

    # dtype object: a gap must not turn a column of exact integers into floats.
    return pd.DataFrame(cells, columns=pd.Index(header, dtype=object), dtype=object)


def _typed(column: Column, values: list[Any]) -> pd.Series[Any]:
    """A column as pandas has it where values may be missing."""
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
    """What values are that nothing else tells the type of."""
    found = {type(value) for value in values if value is not None}
    for name, types in (("boolean", {bool}), ("integer", {int}), ("number", {int, float})):
        if found and found <= types:
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
