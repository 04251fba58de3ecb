"""`search export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search import completion

if TYPE_CHECKING:
    from search.run import Run
    from search.tables import Column, Row

_FORMATS = """\b
Formats:
  csv, json, parquet     exact values under stable keys; json and parquet say what each column is
  md, latex, html        rounded, with units and a legend
  optuna                 the whole run as an Optuna storage: optuna-dashboard FILE
"""
_OPTUNA = "optuna"
"""Written from a run; all other formats are of tables."""


def _columns() -> Sequence[Column]:
    from search.columns import TRIALS

    return TRIALS


@click.command(epilog=_FORMATS)
@click.argument("run", required=False, shell_complete=completion.runs)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    shell_complete=completion.formats(_OPTUNA),
    help="One of those below. If not given: what FILE ends in, else csv.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file, replaced in one step; else standard output.",
)
@click.option(
    "--columns",
    metavar="KEY,...",
    shell_complete=completion.columns(_columns),
    help="Which columns, in this order.",
)
@click.option(
    "--sort",
    metavar="[-]KEY,...",
    shell_complete=completion.columns(_columns),
    help="The order of the rows; -KEY: from high to low.",
)
@click.option(
    "--top", type=click.IntRange(min=1), metavar="K", help="The K complete trials of the highest reward."
)
@click.option(
    "--pareto",
    is_flag=False,
    flag_value="",
    metavar="[KEY,...]",
    shell_complete=completion.columns(lambda: [column for column in _columns() if column.better]),
    help="The complete trials that no other beats in all these columns; if none is named: accuracy, params and "
    "step_ratio, or macs where no step time was measured.",
)
@click.option("--schema", is_flag=True, help="What the columns are, instead of a run's.")
def export(run: str | None, form: str | None, out: Path | None, schema: bool, **choice: Any) -> None:
    """Write the trials of RUN as a table.

    Each has a row, with the network, what it costs, what was measured and every term of the reward.
    """
    from search.columns import SCHEMA, TRIALS, VERSION
    from search.run import open_run
    from search.selection import columns_of, filled
    from search.tables import ABOUT, EXACT, FORMATS, format_of, schema_rows, write

    formats = FORMATS if schema else (*FORMATS, _OPTUNA)
    chosen = format_of(form, out, formats) if form or out else "md" if schema else "csv"
    columns = columns_of(TRIALS, choice["columns"]) if choice["columns"] else TRIALS
    if schema:
        return write(schema_rows(columns), ABOUT, chosen, out, caption=f"{SCHEMA}, version {VERSION}")
    if run is None:
        taken = " It stands before --pareto, which took what follows it." if choice["pareto"] else ""
        raise click.UsageError(f"Missing argument 'RUN'.{taken}")
    if chosen == _OPTUNA:
        return _storage(run, out, choice)
    opened = open_run(run)
    caption = f"Run {opened.name}: space {opened.config.space.name}, data {opened.config.data.source}"
    rows = _rows(opened, choice["sort"], choice["top"], choice["pareto"])
    if chosen not in EXACT and not choice["columns"]:
        columns = filled(rows, columns)
    write(rows, columns, chosen, out, schema=SCHEMA, version=VERSION, caption=caption)


def _rows(run: Run, sort: str | None, top: int | None, pareto: str | None) -> list[Row]:
    from search.columns import TRIALS, row
    from search.selection import best, compromises, ordered
    from search.trial import RANKED

    rows: list[Row] = [row(trial) for trial in run.trials]
    if top or pareto is not None:
        rows = [found for found in rows if found["state"] in RANKED]
    if pareto is not None:
        timed = any(found["step_ratio"] is not None for found in rows)
        rows = compromises(rows, TRIALS, pareto or f"accuracy,params,{'step_ratio' if timed else 'macs'}")
    if top:
        rows = best(rows, TRIALS, "reward", top)
    return ordered(rows, TRIALS, sort) if sort else rows


def _storage(run: str, out: Path | None, choice: dict[str, Any]) -> None:
    from search.files import deliver
    from search.optuna_file import journal
    from search.run import open_run
    from space.refusal import Refused

    for name, value in choice.items():
        if value is not None:
            raise Refused(
                f"--{name} chooses rows or columns of a table; --format {_OPTUNA} is the whole run."
            )
    deliver(journal(open_run(run)), out)
