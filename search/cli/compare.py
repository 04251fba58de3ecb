"""`search compare`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from search.cli import completers
from search.cli.terminal import fail, print_all

if TYPE_CHECKING:
    from rich.console import RenderableType

    from search.compare.plan import Plan

SETTINGS = """\b
Settings are KEY=VALUE words:
  match=latency                     the costs that rivals may not exceed: any of the cost table, such as params,macs
  split=test                        evaluate on the test split, which is recorded (default: validation)
  recipe=small recipe.epochs=10     the recipe of all trainings, as for search train
  rates=0.5,1,2                     learning rates, of which each family gets its best one; rates=1 tries none
  seeds=3                           trainings of each network, with common seeds
  random=RUN|N|0                    an existing random search, the number of networks of a new one, or none
  networks=v2-b0,resnet-18          published networks, adapted to the images, as large as the cost permits
  weights=DIR                       models with published weights, which are fine-tuned as they are
  data=npz data.path=FILE           the images, if no run or model names them
  executor.workers=2 out=DIR        the executor, as for search launch: executor=ray executor.resources='{gpu: 0.25}'

Repeat the command to continue a comparison that ended early. Its trainings are models: search predict DIR IMAGE.
"""


@click.command(epilog=SETTINGS)
@click.argument(
    "words", nargs=-1, required=True, metavar="RUN|NETWORK... [KEY=VALUE]...", shell_complete=completers.runs
)
@click.option(
    "--dry-run", is_flag=True, help="Print the networks with their costs and the price; train nothing."
)
def compare(words: tuple[str, ...], dry_run: bool) -> None:
    """Compare a network with others of equal cost, on your images.

    The network is the best of RUN, RUN:12, RUN:most-accurate, a model or a string; further ones are compared as they
    are. The others need no search of this kind: the best network of a random search that costs as much, and published
    networks as large as the network's cost permits. All are trained with the same recipe, images and seeds.
    """
    from search.compare.plan import plan_of
    from search.settings.words import parse

    settings = [word for word in words if "=" in word]
    networks = [word for word in words if "=" not in word]
    if not networks:
        raise click.UsageError("Name a run or a network to compare.")
    carry_out(plan_of(networks, parse(settings)), dry_run)


def carry_out(plan: Plan, dry_run: bool, program: str = "search") -> None:
    """Carry out `plan` with progress on standard error and the result on standard output, or print it only.

    program: the name of the command in messages.
    """
    from rich.console import Console

    from search.cli.table import table
    from search.compare.comparison import compare
    from search.compare.table import COLUMNS
    from search.engine.live import Terminal
    from search.report.compared import write_comparison
    from search.tables.selection import filled

    console = Console(stderr=True)

    def note(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    if dry_run:
        return print_all(_planned(plan, note))
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        compared = compare(plan, note, Terminal(console))
    except KeyboardInterrupt:
        fail("Stopped. Finished trainings are kept; repeat the command to continue.", 130, program)
    rows, sentences, written = write_comparison(compared)
    print_all([table(rows, filled(rows, COLUMNS)), "", *sentences, "", *(f"wrote {p}" for p in written)])


def _planned(plan: Plan, note: Callable[[str], None]) -> Iterator[RenderableType]:
    """Yield the networks with their costs, and the price."""
    from search.cli.table import table
    from search.compare.levels import lineup
    from search.compare.matching import narrowest
    from search.compare.price import price
    from search.tables.selection import filled
    from search.tables.table import Column
    from space import cost

    columns = (
        Column("what", "Network"),
        Column("origin", "From"),
        Column("left", "Cost left", form=".1%", description="of the lead's, in the matched costs"),
        Column("narrowest", "Narrowest", form="d"),
        Column("params", "Params", form="si"),
        Column("macs", "MACs", form="si"),
        Column("latency_ms", "Latency", "ms", form=".2f"),
        Column("architecture", "Architecture"),
    )
    known = plan.costs(None, note)
    line = lineup(plan, None, known, note)
    rows = []
    for one in line.contenders:
        costs = cost(one.architecture)
        row = {"what": one.name, "origin": one.origin, "params": costs.params, "macs": costs.macs}
        left = None if one.share is None else 1 - one.share
        row |= {"left": left, "narrowest": narrowest(one.architecture)}
        row["latency_ms"] = known("latency", one.architecture) if plan.tells_latency else None
        rows.append({**row, "architecture": str(one.architecture)})
    yield table(rows, filled(rows, columns))
    yield from line.left_out
    yield f"equal in: {'; '.join(line.bounds)}"
    if plan.random_run:
        trials = plan.random_config().settings.trials
        yield f"and the best of {trials} random networks, trained like the search in run {plan.random_run}"
    yield f"{len(plan.seeds)} trainings of each, {plan.recipe.epochs} epochs, accuracy on {plan.settings.split}"
    yield str(price(plan, line.contenders))
