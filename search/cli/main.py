"""The command `search`."""

from __future__ import annotations

import click

from search.cli.check_proxy import check_proxy
from search.cli.compare import compare
from search.cli.completion import completion
from search.cli.dilate import dilate
from search.cli.evaluate import evaluate
from search.cli.export import export
from search.cli.export_model import export_model
from search.cli.launch import launch, resume
from search.cli.measure import measure
from search.cli.predict import predict
from search.cli.profile import profile
from search.cli.report import report
from search.cli.rescore import rescore
from search.cli.shells import register
from search.cli.show import show
from search.cli.status import status
from search.cli.terminal import run_command, version_option
from search.cli.train import train
from search.cli.weights import weights


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@version_option
@click.pass_context
def search(context: click.Context) -> None:
    """Find the best small image classifier for your data on your hardware.

    Start with `search launch space=effv2`, which trains on generated images. Then find the most accurate
    network that fits, for your own images:
    `search launch data=folder data.path=DIR reward=accuracy limit.params=200k`. For programs: search/AGENTS.md.
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
    export_model,
    train,
    compare,
    check_proxy,
    predict,
    evaluate,
    profile,
    measure,
    weights,
    dilate,
    completion,
):
    search.add_command(command)


def main() -> None:
    """Run the command and exit: 0 success, 1 a failed run or system, 2 a mistake of the user, 130 interrupted."""
    register()
    run_command("search", lambda: search(standalone_mode=False), hint="See: search --help")


if __name__ == "__main__":
    main()
