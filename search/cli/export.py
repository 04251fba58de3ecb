"""`search export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers as completion

if TYPE_CHECKING:
    from search.runs.run import Run
    from search.tables.table import Column, Row

_FORMATS = """\b
Formats:
  csv, json, parquet     exact values under stable keys; json and parquet say what each column is
  md, latex, html        rounded, with units and a legend
  optuna                 the whole run as an Optuna storage: optuna-dashboard FILE

\b
Models:
  search export RUN:12 --model DIR         a network of a search, freshly initialised; RUN: the best
  search export TRAINED --model DIR        a folder of a trained model, with its weights; also v2-s, ...
"""
_OPTUNA = "optuna"
"""Written from a run; all other formats are of tables."""


def _columns() -> Sequence[Column]:
    from search.trials.columns import TRIALS

    return TRIALS


@click.command(epilog=_FORMATS)
@click.argument("run", required=False, metavar="RUN", shell_complete=completion.trials)
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
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write one network instead, as a folder with all its forms: Python, ONNX, torch.export, timm, torchvision.",
)
@click.option(
    "--forms",
    metavar="NAME,...",
    help="With --model, these of them: python, onnx, program, timm, torchvision.",
)
@click.option("--schema", is_flag=True, help="What the columns are, instead of a run's.")
def export(
    run: str | None,
    form: str | None,
    out: Path | None,
    schema: bool,
    model: Path | None,
    forms: str | None,
    **choice: Any,
) -> None:
    """Write a table of RUN, or with --model a network.

    Each trial has a row, with the network, what it costs, what was measured and every term of the reward.
    """
    if model or forms:
        return _model(run, model, forms, choice | {"format": form, "out": out, "schema": schema or None})
    from search.runs.run import open_run
    from search.tables.selection import columns_of, filled
    from search.tables.table import ABOUT, schema_rows
    from search.tables.writing import EXACT, FORMATS, format_of, write
    from search.trials.columns import SCHEMA, TRIALS, VERSION

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


def _model(what: str | None, directory: Path | None, forms: str | None, others: dict[str, Any]) -> None:
    from search.models.export import export, require_known
    from search.training.named_models import named_model

    given = next((name for name, value in others.items() if value is not None), None)
    if directory is None:
        raise click.UsageError("--forms says how to write a network, and so needs --model DIR.")
    if given:
        raise click.UsageError(f"--{given} is about the table of trials; --model DIR writes one network.")
    if what is None:
        raise click.UsageError("Missing argument 'RUN': a run, RUN:12, a folder of a model, or a network.")
    chosen = forms.split(",") if forms else None
    require_known(chosen or ())
    name, found = named_model(what)
    written = export(name, found, directory, chosen)
    click.echo(f"wrote {directory}: {', '.join(written.files)}")
    for form, reason in written.left_out.items():
        click.echo(f"not written: {form}. {reason}", err=True)
    if not found.trained:
        click.echo("mind: it is not trained, as its README.md says.", err=True)


def _rows(run: Run, sort: str | None, top: int | None, pareto: str | None) -> list[Row]:
    from search.tables.selection import best, compromises, ordered
    from search.trials.columns import TRIALS, row
    from search.trials.trial import RANKED

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
    from search.runs.optuna_journal import journal
    from search.runs.run import open_run
    from space.refusal import UserError

    for name, value in choice.items():
        if value is not None:
            raise UserError(
                f"--{name} chooses rows or columns of a table; --format {_OPTUNA} is the whole run."
            )
    deliver(journal(open_run(run)), out)
