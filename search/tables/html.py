"""Tables as HTML, from templates of jinja2. jinja2 is imported only when a page is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def element(
    columns: Sequence[Any], cells: Sequence[Sequence[str]], numeric: Sequence[bool], caption: str
) -> str:
    """Return a `<table>` element of rounded texts.

    columns: objects with a `heading` and a `description`, such as `Column`, one for each cell of a row. numeric: for
    each column, True to align it right. caption: the title of the table.
    """
    macros = environment().get_template("table.html").module
    return str(macros.table(columns, cells, numeric, caption))  # type: ignore[attr-defined]


@cache
def environment(package: str = "", folder: str = "") -> Environment:
    """Return jinja2's environment with the templates of tables, and those in `folder` of `package` if given.

    Inserted values are escaped. Raises jinja2's UndefinedError when a template uses a name without a value.
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
