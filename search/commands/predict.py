"""`search predict`."""

from __future__ import annotations

from pathlib import Path

import click

from search import completion

_EXAMPLES = """\b
search predict flowers photo.jpg
search predict flowers photos/*.jpg --top 1 --format csv
"""


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path))
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, metavar="K", help="Labels of each image."
)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    shell_complete=completion.formats(),
    help="csv, json, parquet (exact) or md, latex, html. If not given: what FILE ends in, else a table.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A file, replaced in one step.")
def predict(model: Path, images: tuple[Path, ...], top: int, form: str | None, out: Path | None) -> None:
    """Tell what a trained MODEL sees in images.

    Labels with probabilities. MODEL is a folder that `search train`, `search export --model` or `search weights
    --model` wrote. Images are fed at the size, and with the normalisation, that it was trained with.
    """
    from search.display import table
    from search.model_file import load_model
    from search.predict import PREDICTIONS, SCHEMA, VERSION
    from search.predict import predict as predictions
    from search.tables import format_of, write
    from search.terminal import print_all

    chosen = format_of(form, out) if form or out else None
    rows = predictions(load_model(model.expanduser()), images, top)
    if chosen:
        return write(rows, PREDICTIONS, chosen, out, schema=SCHEMA, version=VERSION)
    print_all([table(rows, PREDICTIONS[:4])])
