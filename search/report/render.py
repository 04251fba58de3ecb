"""The rendering of a page as one HTML file without references to other files, from the templates in `page/`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from search.report.document import Chart, Explorer, Page
from search.tables.html import environment
from search.tables.table import Table, plain

if TYPE_CHECKING:
    from jinja2 import Environment

_DIGITS = 8
"""Significant digits of numbers in a page. Its tables round further; `search export` does not round."""
_SCRIPTS = ("numbers.js", "chart.js", "explorer.js", "start.js")


def html(page: Page) -> str:
    """Return `page` as HTML. Inserted values are escaped, and a content security policy forbids loading anything."""
    style = _source("page.css")
    script = "\n".join(map(_source, _SCRIPTS))
    template = _environment().get_template("report.html")
    return template.render(page=page, style=style, script=script, data=_data(page))


@cache
def _environment() -> Environment:
    templates = environment("search.report", "page")
    templates.filters["table"] = lambda block: Table(block.rows, block.columns)
    templates.tests["kind"] = lambda block, name: type(block).__name__ == name
    return templates


def _source(name: str) -> str:
    templates = _environment()
    assert templates.loader
    return templates.loader.get_source(templates, name)[0]


def _data(page: Page) -> str:
    """Return the data of the page's script, as JSON that is safe inside a script element."""
    data: dict[str, Any] = {"refresh": page.refresh, "charts": {}, "explorers": []}
    blocks = [block for section in page.sections for block in section.blocks]
    for block in (*((page.overview,) if page.overview else ()), *blocks):
        if isinstance(block, Chart):
            data["charts"][block.key] = _compact(asdict(block))
        elif isinstance(block, Explorer):
            data["explorers"].append(_explorer(block))
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    # Only these characters can end a script element or begin a comment. In JSON strings, escapes may replace them.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _explorer(block: Explorer) -> dict[str, Any]:
    """Return a table of trials as the page's script reads it.

    Its values are stored column by column, since keys in every row would double the size of the file.
    """
    keys = ("key", "heading", "form", "description", "better")
    return {
        "columns": [{key: getattr(column, key) for key in keys} for column in block.columns],
        "values": {c.key: [_short(plain(row.get(c.key))) for row in block.rows] for c in block.columns},
        "axes": block.axes,
        "x": block.x,
        "y": block.y,
        "sort": block.sort,
        "name": block.name,
        "group": block.group,
        "front": block.front,
        "aside": block.aside,
    }


def _compact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _compact(inner) for key, inner in value.items() if inner not in ((), "", False)}
    if isinstance(value, (list, tuple)):
        return [_compact(inner) for inner in value]
    return _short(plain(value))


def _short(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
