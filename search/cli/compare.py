"""`search compare`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from search.cli import completers
from search.cli.terminal import fail, print_all

if TYPE_CHECKING:
    from rich.console import RenderableType

    from search.compare.plan import Plan

_SETTINGS = """\b
Settings are KEY=VALUE words:
  recipe=small recipe.epochs=10     the recipe of all trainings, as for search train
  seeds=3                           trainings of each network, with common seeds
  random=RUN|N|0                    an existing random search, the number of networks of a new one, or none
  networks=v2-b0,resnet-18          published networks, adapted to the images, of equal cost
  match=step                        equal cost by measured step time instead of multiply-adds
  executor.workers=2 out=DIR

Repeat the command to continue a comparison that ended early. Its trainings are models: search predict DIR IMAGE.
"""


@click.command(epilog=_SETTINGS)
@click.argument("run", shell_complete=completers.runs)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Print the networks with their costs, and train nothing.")
def compare(run: str, settings: tuple[str, ...], dry_run: bool) -> None:
    """Compare the winner of RUN with networks of equal cost.

    The others need no search of this kind: the best network of a random search that costs as much, and
    published networks of the same cost. All are trained with the same recipe, images and seeds, and evaluated on the
    test split, which no selection has used.
    """
    from rich.console import Console

    from search.cli.table import table
    from search.compare.comparison import compare as carry_out
    from search.compare.plan import plan_of
    from search.compare.table import COLUMNS, rows, verdict, write
    from search.engine.live import Terminal
    from search.settings.words import parse
    from search.tables.selection import filled

    plan = plan_of(run, parse(settings))
    if dry_run:
        return print_all(_planned(plan))
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        contenders = carry_out(
            plan,
            lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True),
            Terminal(console),
        )
    except KeyboardInterrupt:
        fail("Stopped. Finished trainings are kept; repeat the command to continue.", 130)
    result = rows(contenders, plan.run.config.reward, plan.run.config.reference)
    written = write(result, plan)
    print_all(
        [table(result, filled(result, COLUMNS)), "", *verdict(result), "", *(f"wrote {p}" for p in written)]
    )


def _planned(plan: Plan) -> Iterator[RenderableType]:
    from search.cli.table import table
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
    rows = []
    for contender in contenders(plan, None):
        costs = cost(contender.architecture)
        row = {"what": contender.name, "origin": contender.origin, "params": costs.params, "macs": costs.macs}
        rows.append({**row, "architecture": str(contender.architecture)})
    yield table(rows, columns)
    if plan.random_run:
        trials = plan.random_config().settings.trials
        yield f"and the best of {trials} random networks, trained like the search in run {plan.random_run}"
    yield f"{len(plan.seeds)} trainings of each, {plan.recipe.epochs} epochs"
