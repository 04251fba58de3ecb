"""The command `search export`: the table of a run's trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.terminal import UserPath

if TYPE_CHECKING:
    from search.tables.table import Column

_FORMATS = """\b
Formats:
  csv, json, parquet   exact values under stable keys, with the choices of the
                       space; json and parquet describe each column
  md, latex, html      rounded values, with units and a legend
  optuna               the whole run as an Optuna storage, which
                       optuna-dashboard FILE shows

A network of the run is written by search export-model.
"""


def _columns() -> Sequence[Column]:
    from search.trials.columns import TRIALS

    return TRIALS


@click.command(epilog=_FORMATS)
@click.argument("run", required=False, metavar="RUN", shell_complete=completers.runs)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    shell_complete=completers.formats("optuna"),
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
    help="The columns to write, in this order; --schema lists them.",
)
@click.option(
    "--sort",
    metavar="[-]KEY,...",
    shell_complete=completers.columns(_columns),
    help="Sort the rows by these columns; -KEY sorts from high to low.",
)
@click.option(
    "--top", type=click.IntRange(min=1), metavar="K", help="Only the K trials with the highest reward."
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
@click.option(
    "--schema", is_flag=True, help="Describe the columns instead; with RUN, also the choices of its space."
)
@click.option("--model", "--forms", "model", hidden=True)
def export(
    run: str | None, form: str | None, out: Path | None, schema: bool, model: str | None, **choice: Any
) -> None:
    """Write the trials of RUN as a table.

    One row for each trial: its network, costs, measurements and all terms of the reward.
    """
    from search.api.launch import open_run
    from search.files import deliver
    from search.runs.exporting import OPTUNA, exported
    from search.tables.writing import FORMATS, format_of

    if model:
        raise click.UsageError(
            "Networks are written by another command now: search export-model MODEL --out DIR."
        )
    if schema:
        chosen = format_of(form, out, FORMATS) if form or out else "md"
        return _describe(open_run(run).table.columns if run else _columns(), choice["columns"], chosen, out)
    if form or out:
        format_of(form, out, (*FORMATS, OPTUNA))
    if run is None:
        hint = " It goes before --pareto, which takes the word after it." if choice["pareto"] else ""
        raise click.UsageError(f"Missing argument 'RUN'.{hint}")
    chosen_rows = {key: value for key, value in choice.items() if value is not None}
    if out:
        open_run(run).export(out, form, **chosen_rows)
    else:
        deliver(exported(open_run(run), None, form, **chosen_rows), None)


def _describe(columns: Sequence[Column], keys: str | None, form: str, out: Path | None) -> None:
    """Write the descriptions of the columns `keys`, of all columns if it is None or empty."""
    from search.tables.selection import columns_of
    from search.tables.table import ABOUT, schema_rows
    from search.tables.writing import write
    from search.trials.columns import SCHEMA, VERSION

    chosen = columns_of(columns, keys) if keys else columns
    write(schema_rows(chosen), ABOUT, form, out, caption=f"{SCHEMA}, version {VERSION}")
