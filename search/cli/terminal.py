"""What every command of `search` does with the terminal: print, and fail in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

F = TypeVar("F", bound=Callable[..., Any])


def print_all(what: Iterable[RenderableType]) -> None:
    """Prints text and tables to standard output."""
    console = _console()
    for part in what:
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def print_json(value: Any) -> None:
    """Prints plain values to standard output, as JSON."""
    click.echo(json.dumps(value, indent=1, allow_nan=False))


def _console() -> Console:
    """Standard output; as wide as it needs to be where no terminal limits it."""
    from rich.console import Console

    # Brackets and colons in names and reasons are themselves, no markup.
    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1000
    return console


def version_option(command: F) -> F:
    """Adds --version. Unlike click's, it also answers where the package is not installed."""

    def tell(context: click.Context, _: click.Parameter, asked: bool) -> None:
        if not asked or context.resilient_parsing:
            return
        from search.models.model import versions

        package = "compound-nas"
        found = versions((package,)).get(package, "unknown: it is not installed")
        click.echo(f"{context.find_root().info_name}, version {found}")
        context.exit()

    told = "Tell the version and exit."
    return click.option(
        "--version", is_flag=True, expose_value=False, is_eager=True, callback=tell, help=told
    )(command)


def fail(message: str, code: int) -> NoReturn:
    """Ends the process with `message` in one line on standard error."""
    warn(message)
    sys.exit(code)


def warn(message: str) -> None:
    """Prints `message` as one line to standard error."""
    click.echo(f"search: {' '.join(message.split())}", err=True)
