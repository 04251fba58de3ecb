"""The command `search show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from search.cli import completers
from search.cli.terminal import UserPath, print_all, print_json


@click.command()
@click.argument(
    "what",
    nargs=-1,
    required=True,
    metavar="RUN | RUN:N | NETWORK | space=NAME | data=NAME [KEY=VALUE]...",
    shell_complete=completers.shown,
)
@click.option(
    "--sheet", type=UserPath(), metavar="FILE", help="With data=NAME: write images of every class as a PNG."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; networks come without fvcore's counts.")
def show(what: tuple[str, ...], sheet: Path | None, as_json: bool) -> None:
    """Show a space, data, a network, a trial or a run.

    Networks are shown with their exact costs and fvcore's counts, a space with its number of networks and the range
    of their costs. Settings can follow a space: space.stages.0.kernel=3.

    \b
    search show space=effv2                          stages, range of costs
    search show data=npz data.path=photos.npz        classes, sizes, imbalance
    search show v2-b0                                a published network
    search show r32_i16/mb_d1_k3_s1_e1_w16/h64_c10   a canonical string
    search show RUN:12                               trial 12 of a run
    """
    from search.cli.json_values import network_values, run_values, space_values, trial_values
    from search.cli.networks import show_network, show_space
    from search.cli.screen import show_run, show_trial
    from search.runs.names import is_run, split
    from search.runs.networks import find_network
    from search.runs.run import open_run
    from search.settings.words import is_setting

    first, *rest = what
    if any(is_setting(word) and word.partition("=")[0].partition(".")[0] == "data" for word in what):
        return _show_data(what, sheet, as_json)
    if sheet:
        raise click.UsageError("--sheet needs data=NAME.")
    if is_setting(first):
        space = _space(what)
        return print_json(space_values(space)) if as_json else print_all(show_space(space))
    if rest:
        raise click.UsageError(f"No words are permitted after {first!r}, but {rest[0]!r} follows.")
    name, which = split(first)
    if which is not None:
        run = open_run(name)
        trial = run.pick(which)
        return print_json(trial_values(run, trial)) if as_json else print_all(show_trial(run, trial))
    network = None if is_run(first) else find_network(first).architecture
    if as_json:
        return print_json(network_values(network) if network else run_values(open_run(first)))
    print_all(show_network(network) if network else show_run(open_run(first)))


def _show_data(words: tuple[str, ...], sheet: Path | None, as_json: bool) -> None:
    """Print a summary of the data at the proxy's resolution, and write the contact sheet."""
    from search.cli.json_values import data_values
    from search.cli.networks import show_classes
    from search.config import Config
    from search.data.report import lines, report
    from search.data.sheet import contact_sheet
    from search.files import require_ending, write_file
    from search.settings.words import parse
    from space.refusal import UserError

    settings = parse(words)
    for key in settings:
        if key.partition(".")[0] != "data" and key != "proxy.resolution":
            raise UserError(
                f"{key} is not a setting of data; use data=NAME, data.SETTING=VALUE, proxy.resolution=PIXELS."
            )
    require_ending("--sheet", sheet, ".png", "a contact sheet")
    config = Config.of(settings)
    summary = report(config.data, config.proxy.resolution or config.space.frames[0].resolution)
    if as_json:
        print_json(data_values(summary))
    else:
        print_all([*lines(summary), show_classes(summary)])
    if sheet:
        write_file(sheet, contact_sheet(summary.manifest.classes, summary.splits["train"]))


def _space(words: tuple[str, ...]) -> Any:
    from search.config import Config
    from search.engine.initial_networks import resolved
    from search.settings.words import parse
    from space.refusal import UserError

    settings = parse(words)
    for key in settings:
        if key != "space" and not key.startswith("space."):
            raise UserError(f"{key} is not a setting of a space; use space=NAME and space.PLACE=VALUE.")
    return Config.of(resolved(settings) | {"data": "shapes"}).space
