"""The command `search compare`."""

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
  match=latency       the costs that published and random networks may not
                      exceed: any of params, macs, size, activations, memory,
                      step, latency, separated by commas (default: the run's
                      limits, else the first cost of its reward, else macs)
  split=test          evaluate on the test split, which is recorded (default:
                      validation)
  recipe=small        the recipe of all trainings, as for search train; also
                      recipe.epochs=10
  rates=0.5,1,2       factors of the recipe's learning rate; each network, or
                      family of networks, gets the best one on validation;
                      rates=1 tries none
  seeds=3             number of trainings of each network; all networks have the
                      same seeds
  random=RUN          an existing random search; a number: a new random search
                      of so many networks; 0: none (default: a new one with as
                      many trainings as the run)
  networks=v2-b0      published networks, separated by commas, adapted to the
                      images and as large as the cost permits
  weights=DIR         folders of trained models, which are fine-tuned as they
                      are, whatever they cost
  data=npz            the images, if no run or model names them; also
                      data.path=FILE
  executor.workers=2  the executor, as for search launch: executor=ray
                      executor.resources='{gpu: 0.25}'
  out=DIR             the folder of trainings and tables (default: compare in
                      the run's folder, else comparisons/NAME)

Repeat the command to continue a comparison that ended early. Each training leaves the folder of a model, which
search predict and search evaluate read.
"""


@click.command(epilog=SETTINGS)
@click.argument(
    "words", nargs=-1, required=True, metavar="RUN|NETWORK... [KEY=VALUE]...", shell_complete=completers.runs
)
@click.option(
    "--dry-run", is_flag=True, help="Print the networks, their costs and the estimated time; train nothing."
)
def compare(words: tuple[str, ...], dry_run: bool) -> None:
    """Compare a network with others of equal cost, on your images.

    NETWORK is the name of a run (its best network), a trial (RUN:12), an answer of a run (RUN:most-accurate), a
    model's folder, a published network or a canonical string. The first one is compared with published networks,
    shrunk or enlarged to its cost. If it comes from a run, it is also compared with the best network of a random
    search that trains as many networks as the run. Further ones are compared as they are. All are trained with the
    same recipe, images and seeds.
    """
    from search.compare.plan import plan_of
    from search.settings.words import is_setting, parse

    settings = [word for word in words if is_setting(word)]
    networks = [word for word in words if not is_setting(word)]
    if not networks:
        raise click.UsageError("Name a run or a network to compare.")
    carry_out(plan_of(networks, parse(settings)), dry_run)


def carry_out(plan: Plan, dry_run: bool, program: str = "search") -> None:
    """Carry out `plan`, with progress on standard error and the result on standard output.

    dry_run: True to print only the networks with their costs, and the estimated time. program: the name of the
    command in messages.
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
    """Yield the networks with their costs, and the estimated time of all trainings."""
    from search.cli.table import table
    from search.compare.levels import lineup
    from search.compare.plan import networks
    from search.compare.price import price
    from search.tables.selection import filled
    from search.tables.table import Column
    from space import cost
    from space.catalog.matching import narrowest

    columns = (
        Column("what", "Network"),
        Column("origin", "From"),
        Column("left", "Cost left", form=".1%", description="share of the first network's cost left unused"),
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
    yield f"others may cost up to: {'; '.join(line.bounds)}"
    if plan.random_run:
        found, asked = plan.random_found(), plan.settings.random
        if found is None:
            trials = plan.random_config().settings.trials
        else:
            trials = networks(found) if isinstance(asked, str) else plan.random_trials(found)
        yield f"and the best of {trials} random networks, from a random search in run {plan.random_run}"
    yield (
        f"trainings of each network: {len(plan.seeds)}, of {plan.recipe.epochs} epochs;"
        f" accuracy on the {plan.settings.split} split"
    )
    yield str(price(plan, line.contenders))
