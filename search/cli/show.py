"""`search show`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from search.cli import completers as completion
from search.cli.terminal import print_all, print_json


@click.command()
@click.argument(
    "what",
    nargs=-1,
    required=True,
    metavar="RUN | RUN:N | NETWORK | GROUP=NAME [KEY=VALUE]...",
    shell_complete=completion.shown,
)
@click.option(
    "--sheet", type=click.Path(path_type=Path), help="Images of every class as a PNG (data=... only)."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON; of networks without fvcore's counts.")
def show(what: tuple[str, ...], sheet: Path | None, as_json: bool) -> None:
    """Show a space, data, a network, a trial or a run.

    Networks with their exact costs, beside what fvcore counts; a space with the range of them.

    \b
    search show space=effv2 space.stages.0.kernel=3    stages, number of networks, range of costs
    search show data=npz data.path=photos.npz          classes, sizes, imbalance; --sheet FILE.png: some images
    search show v2-b0                                  a published network (b0 to b8, v2-s, ...)
    search show r32_i16/mb_d1_k3_s1_e1_w16/h64_c10     a network by its canonical string
    search show RUN:12                                 trial 12 of a run
    """
    from search.cli import json_values as described
    from search.cli import screen as shown
    from search.runs.run import open_run, split

    first, *rest = what
    if any(word.partition("=")[0].partition(".")[0] == "data" for word in what):
        return _show_data(what, sheet, as_json)
    if sheet:
        raise click.UsageError("--sheet shows images of data=NAME.")
    if "=" in first:
        space = _space(what)
        return print_json(described.space_values(space)) if as_json else print_all(shown.show_space(space))
    if rest:
        raise click.UsageError(f"One thing at a time: {first!r} takes nothing after it.")
    name, number = split(first)
    if number is not None:
        run = open_run(name)
        trial = run.trial(number)
        values = described.trial_values
        return print_json(values(run, trial)) if as_json else print_all(shown.show_trial(run, trial))
    network = _network(first)
    if as_json:
        of = described.network_values(network) if network else described.run_values(open_run(first))
        return print_json(of)
    print_all(shown.show_network(network) if network else shown.show_run(open_run(first)))


def _show_data(words: tuple[str, ...], sheet: Path | None, as_json: bool) -> None:
    """Prints what there is in the data, as the proxy's resolution makes it, and writes the contact sheet."""
    from search.cli.json_values import data_values
    from search.cli.screen import show_classes
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
                f"{key} is no part of data; give data=NAME, data.SETTING=VALUE, proxy.resolution=PIXELS."
            )
    require_ending("--sheet", sheet, ".png", "a contact sheet")
    config = Config.of(settings)
    found = report(config.data, config.proxy.resolution or config.space.frames[0].resolution)
    if as_json:
        print_json(data_values(found))
    else:
        print_all([*lines(found), show_classes(found)])
    if sheet:
        write_file(sheet, contact_sheet(found.manifest.classes, found.splits["train"]))


def _space(words: tuple[str, ...]) -> Any:
    from search.config import Config
    from search.settings.words import parse
    from space.refusal import UserError

    settings = parse(words)
    for key in settings:
        if key != "space" and not key.startswith("space."):
            raise UserError(f"{key} is no part of a space; give space=NAME and space.PLACE=VALUE.")
    return Config.of(settings | {"data": "shapes"}).space


def _network(text: str) -> Any:
    """The architecture of that name or string; None if it can only be the name of a run."""
    from search.reward import network
    from search.runs.run import runs
    from space import CATALOG
    from space.catalog import unpublished

    if text in CATALOG or ("/" in text and "_" in text.partition("/")[0] and not os.path.isdir(text)):
        return network(text)
    if "/" not in text and text not in runs():
        raise unpublished("network or run", text, runs())
    return None
