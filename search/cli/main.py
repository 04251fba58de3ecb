"""The command `search`."""

from __future__ import annotations

import os
import sys

import click

from search.cli.check_proxy import check_proxy
from search.cli.compare import compare
from search.cli.completion import completion
from search.cli.dilate import dilate
from search.cli.export import export
from search.cli.launch import launch, resume
from search.cli.measure import measure
from search.cli.predict import predict
from search.cli.profile import profile
from search.cli.report import report
from search.cli.rescore import rescore
from search.cli.shells import register
from search.cli.show import show
from search.cli.status import status
from search.cli.terminal import fail, version_option
from search.cli.train import train
from search.cli.weights import weights


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@version_option
@click.pass_context
def search(context: click.Context) -> None:
    """Find the best small image classifier for your data on your hardware.

    Start with `search launch space=effv2`: it trains on images that it draws itself. Then bring your own:
    `search launch space=effv2_32 data=npz data.path=FILE`.
    """
    if not context.invoked_subcommand:
        click.echo(context.get_help())


for command in (
    launch,
    resume,
    status,
    show,
    report,
    rescore,
    export,
    train,
    compare,
    check_proxy,
    predict,
    profile,
    measure,
    weights,
    dilate,
    completion,
):
    search.add_command(command)


def main() -> None:
    """Runs the command. A user's mistake is one line on standard error and exit code 2; a failed run, 1."""
    from space.refusal import UserError

    register()
    try:
        search(standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        fail(f"{error.format_message()} See: search --help", 2)
    except UserError as error:
        fail(str(error), 2)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped.", 130)
    except OSError as error:
        # A full disk, say. What is left in the buffer would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}.", 1)


if __name__ == "__main__":
    main()
