"""The export of a run's trials as the content of a file, with chosen rows and columns in one of several formats."""

from __future__ import annotations

from pathlib import Path

from search.runs.run import Run
from search.tables.selection import best, columns_of, filled, ordered, pareto_front
from search.tables.table import Row, Table
from search.tables.writing import EXACT, FORMATS, format_of, render
from search.trials.columns import SCHEMA, TRIALS, VERSION
from search.trials.trial import RANKED
from space.refusal import UserError

OPTUNA = "optuna"
"""A format of whole runs. All other formats are formats of tables."""


def exported(
    run: Run,
    out: Path | None = None,
    form: str | None = None,
    *,
    columns: str = "",
    sort: str = "",
    top: int | None = None,
    pareto: str | None = None,
) -> str | bytes:
    """Return the content of a file with the trials of `run`; bytes for binary formats.

    form: the name of a format; None: the format that the ending of `out` names, or csv if `out` is None. columns,
    sort: keys of columns, separated by commas. top: the number of trials to export, those with the highest rewards;
    None for all. pareto: the columns whose Pareto front is exported; "" for accuracy, params and the step time (MACs
    if there is no step time); None for all trials. With `top` or `pareto`, only complete and imported trials are
    exported. Raises `UserError` for an unknown format or column, and for a choice of rows or columns with the format
    optuna.
    """
    chosen = format_of(form, out, (*FORMATS, OPTUNA)) if form or out else "csv"
    if chosen == OPTUNA:
        from search.runs.optuna_journal import journal

        _refuse(columns=columns or None, sort=sort or None, top=top, pareto=pareto)
        return journal(run)
    table = run.table
    rows = _rows(table, sort, top, pareto)
    shown = table.columns if chosen in EXACT else filled(rows, TRIALS)
    if columns:
        shown = columns_of(table.columns, columns)
    return render(rows, shown, chosen, schema=SCHEMA, version=VERSION, caption=table.caption)


def _rows(table: Table, sort: str, top: int | None, pareto: str | None) -> list[Row]:
    rows = list(table.rows)
    if top or pareto is not None:
        rows = [each for each in rows if each["state"] in RANKED]
    if pareto is not None:
        timed = any(each["step_ratio"] is not None for each in rows)
        keys = pareto or f"accuracy,params,{'step_ratio' if timed else 'macs'}"
        rows = pareto_front(rows, table.columns, keys)
    if top:
        rows = best(rows, table.columns, "reward", top)
    return ordered(rows, table.columns, sort) if sort else rows


def _refuse(**choice: object) -> None:
    for name, value in choice.items():
        if value is not None:
            raise UserError(
                f"--{name} chooses rows or columns of a table; --format {OPTUNA} writes the whole run."
            )
