"""`search export`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run")
@click.option(
    "--format", "form", default="csv", show_default=True, metavar="NAME", help="csv, json, md or latex."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="A file, replaced in one step; else standard output."
)
def export(run: str, form: str, out: Path | None) -> None:
    """Write the trials of RUN as a table: one row each, with every term of the reward."""
    from search.columns import SCHEMA, TRIALS, VERSION, row
    from search.run import open_run
    from search.tables import FORMATS, write
    from space.refusal import unknown

    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    opened = open_run(run)
    rows = [row(trial) for trial in opened.trials]
    caption = f"Run {opened.name}: space {opened.config.space.name}, data {opened.config.data.source}"
    write(rows, TRIALS, form, out, schema=SCHEMA, version=VERSION, caption=caption)
