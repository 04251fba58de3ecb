"""`search compare`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from search.cli import completers as completion
from search.cli.terminal import fail, print_all

if TYPE_CHECKING:
    from rich.console import RenderableType

    from search.compare.plan import Plan

_SETTINGS = """\b
Settings are KEY=VALUE words:
  recipe=small recipe.epochs=10     how all of them are trained, as for search train
  seeds=3                           trainings of each, with common seeds
  random=RUN|N|0                    a random search that there is, another number of networks, or none
  networks=v2-b0,resnet-18          published networks, fitted to the images and of equal cost
  match=step                        by step time, which is measured, and not by multiply-adds
  executor.workers=2 out=DIR

The same words go on with a comparison that ended early. Its trainings are models: search predict DIR IMAGE.
"""


@click.command(epilog=_SETTINGS)
@click.argument("run", shell_complete=completion.runs)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Print the networks with their costs; train nothing.")
def compare(run: str, settings: tuple[str, ...], dry_run: bool) -> None:
    """Was the search worth it? Train its winner and others.

    The winner of RUN beside what one would have had without it: the best network of a random search of the same cost,
    and published networks of the same cost.
    All have the same recipe, images and seeds; the figures are of the test split, on which nothing was selected.
    """
    from rich.console import Console

    from search.cli.live import Terminal, table
    from search.compare.comparison import compare as carry_out
    from search.compare.plan import plan_of
    from search.compare.table import COLUMNS, rows, verdict, write
    from search.settings.words import parse
    from search.tables.selection import filled

    plan = plan_of(run, parse(settings))
    if dry_run:
        return print_all(_planned(plan))
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        every = carry_out(
            plan,
            lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True),
            Terminal(console),
        )
    except KeyboardInterrupt:
        fail("Stopped. What is finished is kept; the same words go on with it.", 130)
    found = rows(every, plan.run.config.reward, plan.run.config.reference)
    written = write(found, plan)
    print_all(
        [table(found, filled(found, COLUMNS)), "", *verdict(found), "", *(f"Wrote {p}" for p in written)]
    )


def _planned(plan: Plan) -> Iterator[RenderableType]:
    from search.cli.live import table
    from search.compare.plan import contenders
    from search.tables.table import Column
    from space import cost

    columns = (
        Column("what", "Network"),
        Column("origin", "From"),
        Column("params", "Params", form="si"),
        Column("macs", "MACs", form="si"),
        Column("architecture", "Architecture"),
    )
    found = []
    for one in contenders(plan, None):
        spent = cost(one.architecture)
        row = {"what": one.name, "origin": one.origin, "params": spent.params, "macs": spent.macs}
        found.append({**row, "architecture": str(one.architecture)})
    yield table(found, columns)
    if plan.random_run:
        trials = plan.random_config().settings.trials
        yield f"and the best of {trials} random networks, which run {plan.random_run} trains as the search did"
    yield f"{len(plan.seeds)} trainings of each: {plan.recipe.epochs} epochs"
