"""A page as HTML: one file that needs nothing beside it, made from the templates in `page/`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from search.report.document import Chart, Explorer, Page
from search.tables.table import plain

if TYPE_CHECKING:
    from jinja2 import Environment

_DIGITS = 8
"""Significant ones, of numbers in the page: its tables round further, `search export` not at all."""
_SCRIPTS = ("numbers.js", "chart.js", "explorer.js", "start.js")


def html(page: Page) -> str:
    """The file's text. Whatever comes from data is escaped; nothing is fetched, and a policy in it forbids that."""
    environment = _environment()
    style = _source("page.css")
    script = "\n".join(map(_source, _SCRIPTS))
    template = environment.get_template("page.html")
    return template.render(page=page, style=style, script=script, data=_data(page))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("search.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["numeric"] = _numeric
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    return environment


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader
    return environment.loader.get_source(environment, name)[0]


def _data(page: Page) -> str:
    """What the script draws, as JSON that can stand in a page."""
    found: dict[str, Any] = {"refresh": page.refresh, "charts": {}, "explorers": []}
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Chart):
                found["charts"][block.key] = _compact(asdict(block))
            elif isinstance(block, Explorer):
                found["explorers"].append(_explorer(block))
    text = json.dumps(found, allow_nan=False, separators=(",", ":"))
    # Inside a script element only these can end it or begin a comment; in JSON's strings they may be written so.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _explorer(block: Explorer) -> dict[str, Any]:
    """Column by column: a name that stood in every row would double the file."""
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


def _numeric(block: Any) -> list[bool]:
    """Which columns of a listing hold numbers alone."""
    from search.tables.table import Table

    return Table(block.rows, block.columns).numeric()
