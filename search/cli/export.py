"""`search export`: the table of a run's trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.terminal import UserPath

if TYPE_CHECKING:
    from search.tables.table import Column, Row, Table

_FORMATS = """\b
Formats:
  csv, json, parquet     exact values under stable keys, with the choices of the space; json and parquet describe each
                         column
  md, latex, html        rounded values, with units and a legend
  optuna                 the whole run as an Optuna storage: optuna-dashboard FILE

A network of the run is written by search export-model.
"""
_OPTUNA = "optuna"
"""A format of whole runs. All other formats are formats of tables."""


def _columns() -> Sequence[Column]:
    from search.trials.columns import TRIALS

    return TRIALS


@click.command(epilog=_FORMATS)
@click.argument("run", required=False, metavar="RUN", shell_complete=completers.runs)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    shell_complete=completers.formats(_OPTUNA),
    help="One of the formats below (default: by the ending of FILE, else csv).",
)
@click.option(
    "--out",
    type=UserPath(),
    metavar="FILE",
    help="The file to write; an existing one is replaced (default: standard output).",
)
@click.option(
    "--columns",
    metavar="KEY,...",
    shell_complete=completers.columns(_columns),
    help="The columns to write, in this order.",
)
@click.option(
    "--sort",
    metavar="[-]KEY,...",
    shell_complete=completers.columns(_columns),
    help="Sort the rows by these columns; -KEY sorts from high to low.",
)
@click.option(
    "--top", type=click.IntRange(min=1), metavar="K", help="Only the K trials of the highest reward."
)
@click.option(
    "--pareto",
    is_flag=False,
    flag_value="",
    metavar="[KEY,...]",
    shell_complete=completers.columns(lambda: [column for column in _columns() if column.better]),
    help="Only the trials on the Pareto front of these columns (default: accuracy, params and step_ratio, or macs"
    " where no step time was measured).",
)
@click.option("--schema", is_flag=True, help="Describe the columns, with RUN also its choices.")
@click.option("--model", "--forms", "model", hidden=True)
def export(
    run: str | None, form: str | None, out: Path | None, schema: bool, model: str | None, **choice: Any
) -> None:
    """Write the trials of RUN as a table.

    One row for each trial: its network, costs, measurements and all terms of the reward.
    """
    from search.runs.run import open_run
    from search.tables.selection import columns_of, filled
    from search.tables.table import ABOUT, schema_rows
    from search.tables.writing import EXACT, FORMATS, format_of, write
    from search.trials.columns import SCHEMA, TRIALS, VERSION

    if model:
        raise click.UsageError(
            "Networks are written by another command now: search export-model MODEL --out DIR."
        )
    formats = FORMATS if schema else (*FORMATS, _OPTUNA)
    chosen = format_of(form, out, formats) if form or out else "md" if schema else "csv"
    table = open_run(run).table if run and chosen != _OPTUNA else None
    permitted = table.columns if table else TRIALS
    columns = columns_of(permitted, choice["columns"]) if choice["columns"] else permitted
    if schema:
        return write(schema_rows(columns), ABOUT, chosen, out, caption=f"{SCHEMA}, version {VERSION}")
    if run is None:
        hint = " It goes before --pareto, which takes the word after it." if choice["pareto"] else ""
        raise click.UsageError(f"Missing argument 'RUN'.{hint}")
    if table is None:
        return _storage(run, out, choice)
    rows = _rows(table, choice["sort"], choice["top"], choice["pareto"])
    if chosen not in EXACT and not choice["columns"]:
        columns = filled(rows, TRIALS)
    write(rows, columns, chosen, out, schema=SCHEMA, version=VERSION, caption=table.caption)


def _rows(table: Table, sort: str | None, top: int | None, pareto: str | None) -> list[Row]:
    from search.tables.selection import best, ordered, pareto_front
    from search.trials.trial import RANKED

    rows = list(table.rows)
    if top or pareto is not None:
        rows = [each for each in rows if each["state"] in RANKED]
    if pareto is not None:
        timed = any(each["step_ratio"] is not None for each in rows)
        rows = pareto_front(
            rows, table.columns, pareto or f"accuracy,params,{'step_ratio' if timed else 'macs'}"
        )
    if top:
        rows = best(rows, table.columns, "reward", top)
    return ordered(rows, table.columns, sort) if sort else rows


def _storage(run: str, out: Path | None, choice: dict[str, Any]) -> None:
    from search.files import deliver
    from search.runs.optuna_journal import journal
    from search.runs.run import open_run
    from space.refusal import UserError

    for name, value in choice.items():
        if value is not None:
            raise UserError(
                f"--{name} chooses rows or columns of a table; --format {_OPTUNA} writes the whole run."
            )
    deliver(journal(open_run(run)), out)
