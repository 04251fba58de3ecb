"""Printing to the terminal, and the exit codes of both commands, `search` and `scale`."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

F = TypeVar("F", bound=Callable[..., Any])


def print_all(parts: Iterable[RenderableType]) -> None:
    """Print texts and tables to standard output."""
    from search.files import harmless
    from search.tables.units import unwrapped

    console = _console()
    for part in parts:
        if isinstance(part, str):
            width = console.width if console.is_terminal else None
            console.print(harmless(part), highlight=False, soft_wrap=unwrapped(part, width))
        else:
            console.print(part, highlight=False)


def print_json(value: Any) -> None:
    """Print plain values as JSON to standard output, indented by 1. Raises ValueError for NaN and infinity."""
    click.echo(json.dumps(value, indent=1, allow_nan=False))


def _console() -> Console:
    """Return a console on standard output. If it is not a terminal, tables can be 1000 characters wide."""
    from rich.console import Console

    # Brackets and colons in names and reasons are text, not markup.
    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1000
    return console


class UserPath(click.Path):
    """A path on the command line. Expands `~`, which shells leave as it is in `--out=~/file`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the path with `~` expanded."""
        return super().convert(os.path.expanduser(value), param, context)


def version_option(command: F) -> F:
    """Return `command` with an option --version. Unlike click's, it also works if the package is not installed."""

    def show(context: click.Context, _: click.Parameter, asked: bool) -> None:
        if not asked or context.resilient_parsing:
            return
        from search.models.model import versions

        package = "compound-nas"
        version = versions((package,)).get(package, "unknown: the package is not installed")
        click.echo(f"{context.find_root().info_name}, version {version}")
        context.exit()

    return click.option(
        "--version",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version and exit.",
    )(command)


def run_command(program: str, command: Callable[[], Any], hint: str = "") -> NoReturn:
    """Run a click command and end the process with its exit code.

    The codes are 0 for success, 1 for a failure of the system such as a full disk, 2 for a mistake of the user, and
    130 for an interruption. Failures are reported in one line on standard error that begins with `program`. hint: a
    text that follows the report of a mistake in the command line. Any other exception is a fault of the program and
    is raised.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of classes and files may have characters that the terminal's encoding lacks.
            stream.reconfigure(errors="backslashreplace")
    try:
        os.getcwd()
    except OSError:
        fail("The current folder does not exist any more; change to another one.", 2, program)
    try:
        code = command()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        fail(f"{error.format_message()} {hint}".rstrip(), 2, program)
    except (KeyboardInterrupt, click.Abort):
        fail("Stopped.", 130, program)
    except OSError as error:
        # What is left in the buffer of standard output would fail again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}.", 1, program)
    except Exception as error:
        # Imported here, since help does not need this module and would take 1.5 times as long with it.
        from space.refusal import UserError

        if not isinstance(error, UserError):
            raise
        fail(str(error), 2, program)


def fail(message: str, code: int, program: str = "search") -> NoReturn:
    """Print `message` as one line that begins with `program` to standard error, and exit with the code `code`."""
    warn(message, program)
    sys.exit(code)


def warn(message: str, program: str = "search") -> None:
    """Print `message` as one line that begins with `program` to standard error."""
    from search.files import harmless

    click.echo(f"{program}: {harmless(' '.join(message.split()))}", err=True)
