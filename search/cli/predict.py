"""`search predict`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from search.cli import completers
from search.cli.terminal import UserPath

_EXAMPLES = """\b
search predict flowers photo.jpg
search predict flowers photos --top 1 --format csv
"""


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=UserPath())
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=UserPath())
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="K",
    help="Number of labels for each image.",
)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    shell_complete=completers.formats(),
    help="csv, json, parquet (exact) or md, latex, html (default: by the ending of FILE, else a table).",
)
@click.option(
    "--out",
    type=UserPath(),
    metavar="FILE",
    help="The file to write; an existing one is replaced.",
)
def predict(model: Path, images: tuple[Path, ...], top: int, form: str | None, out: Path | None) -> None:
    """Classify images with a trained MODEL.

    The output is labels with probabilities. An IMAGE may be a folder, which stands for all images in it and in its
    subfolders. A file that cannot be read is named on standard error and left out, and the exit code is 1. MODEL is a
    folder written by `search train`, `search export-model` or `search weights --model`. Images are resized and
    normalised as in its training.
    """
    from search.cli.table import table
    from search.cli.terminal import print_all, warn
    from search.models.model import load_model
    from search.models.predict import PREDICTIONS, SCHEMA, VERSION
    from search.models.predict import predict as predictions
    from search.tables.writing import format_of, write
    from space import UserError

    chosen = format_of(form, out) if form or out else None
    skipped: list[UserError] = []
    rows = predictions(load_model(model), images, top, skipped.append)
    if chosen:
        write(rows, PREDICTIONS, chosen, out, schema=SCHEMA, version=VERSION)
    elif rows:
        print_all([table(rows, PREDICTIONS[:4])])
    for unreadable in skipped:
        warn(str(unreadable))
    if skipped:
        sys.exit(1)
