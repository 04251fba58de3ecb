"""The command `search rescore`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.terminal import UserPath, print_all
from search.tables.units import plural

if TYPE_CHECKING:
    from search.runs.rescoring import Place, Rescored
    from search.runs.run import Run
    from search.tables.table import Column
    from search.trials.answers import Answers


def _columns() -> Sequence[Column]:
    from search.runs.rescoring import RESCORED

    return RESCORED


@click.command()
@click.argument("run", shell_complete=completers.runs)
@click.argument(
    "settings",
    nargs=-1,
    required=True,
    metavar="reward=NAME | reward.KEY=VALUE | limit.COST=VALUE...",
    shell_complete=completers.objectives,
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="K",
    help="Only the best K (default: 10; all in a file format).",
)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    shell_complete=completers.formats(),
    help="csv, json, parquet, md, latex or html (default: by the ending of FILE, else a table for the terminal).",
)
@click.option(
    "--out",
    type=UserPath(),
    metavar="FILE",
    help="The file to write; an existing one is replaced.",
)
@click.option(
    "--columns",
    metavar="KEY,...",
    shell_complete=completers.columns(_columns),
    help="The columns to write, in this order.",
)
def rescore(
    run: str,
    settings: tuple[str, ...],
    top: int | None,
    form: str | None,
    out: Path | None,
    columns: str | None,
) -> None:
    """Rank RUN under another objective.

    Nothing is trained, since the run holds the accuracy, step time and costs of every trial.

    \b
    search rescore RUN reward.w=-0.1                     another exponent
    search rescore RUN limit.params=3M                   another limit
    search rescore RUN reward=mnasnet reward.cost=macs   another objective
    """
    from search.api.launch import open_run
    from search.settings.words import parse

    opened = open_run(run)
    result = opened.rescore(parse(settings))
    if form or out or columns:
        return _write(opened, result.places[:top], form, out, columns)
    print_all(_ranking(opened, result, top or 10))
    if result.answers:
        print_all(_answers(opened, result.answers))


def _write(
    run: Run, places: Sequence[Place], form: str | None, out: Path | None, columns: str | None
) -> None:
    from search.runs.rescoring import RESCORED, SCHEMA, VERSION
    from search.tables.selection import columns_of, filled
    from search.tables.writing import EXACT, format_of, write

    chosen = format_of(form, out) if form or out else "csv"
    rows = [place.row() for place in places]
    chosen_columns = columns_of(RESCORED, columns) if columns else RESCORED
    if chosen not in EXACT and not columns:
        chosen_columns = filled(rows, chosen_columns)
    write(
        rows,
        chosen_columns,
        chosen,
        out,
        schema=SCHEMA,
        version=VERSION,
        caption=f"Run {run.name} under another objective",
    )


def _answers(run: Run, answers: Answers) -> Iterator[Any]:
    """Yield the best, the most accurate and the cheapest trial under the new objective, and the next command."""
    from search.cli.screen import answers_table

    yield ""
    yield answers_table(
        {"best": answers.best, "most accurate": answers.most_accurate, "cheapest": answers.cheapest}
    )
    yield f"\nNext: search show {run.name}:{answers.best.number}"


def _ranking(run: Run, result: Rescored, top: int) -> Iterator[Any]:
    """Yield the best trials under the new objective, and the new rank of the previous best.

    With a multi-objective reward there is no ranking, and the Pareto front is yielded instead.
    """
    from search.cli.screen import brief
    from search.cli.table import table
    from search.runs.front import on_front
    from search.runs.rescoring import BRIEF, RESCORED

    places = result.places
    if result.reward.multi_objective:
        front = on_front([place.trial for place in places if place.rank])
        yield f"front: {plural(len(front), 'trial')} that no other beats in accuracy and every cost together"
        yield brief(front)
        yield from (f"{trial.number}: {trial.architecture}" for trial in front[:top])
        return
    rows = [place.row() for place in places if place.rank][:top]
    used = [key for key in BRIEF if any(row[key] is not None for row in rows)]
    yield table(rows, [column for key in used for column in RESCORED if column.key == key])
    yield from (f"{place.trial.number}: {place.trial.architecture}" for place in places[:top] if place.rank)
    over = [place for place in places if place.exceeds]
    if over:
        yield f"{len(over)} of {len(places)} trials exceed a limit, the best of them {over[0].exceeds}"
    (previous,) = (place for place in places if place.rank_before == 1)
    if previous.rank is None:
        yield f"trial {previous.trial.number}, the best before, exceeds a limit"
    elif previous.rank == 1:
        yield f"trial {previous.trial.number} stays the best"
    else:
        yield f"trial {previous.trial.number}, the best before, is now number {previous.rank}"
