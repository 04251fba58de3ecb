"""The command `search predict`."""

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
    folder written by `search train`, `search export-model` or `search weights --model`, or an ONNX file of
    `search export-model`. Images are resized and normalised as in MODEL's training. If an IMAGE is a folder, and
    images in it lie in folders that are named like classes, their accuracy is printed too.
    """
    from search.api.predict import predict as predictions
    from search.cli.table import table
    from search.cli.terminal import print_all, warn
    from search.models.classifier import load_classifier
    from search.models.predict import PREDICTIONS, accuracy_by_folders
    from search.tables.writing import format_of, write
    from space import UserError

    chosen = format_of(form, out) if form or out else None
    skipped: list[UserError] = []
    classifier = load_classifier(model)
    result = predictions(classifier, images, top, skipped.append)
    rows = result.rows
    if chosen:
        write(rows, PREDICTIONS, chosen, out, schema=result.schema, version=result.version)
    elif rows:
        print_all([table(rows, PREDICTIONS[:4])])
    right, labelled = accuracy_by_folders(rows, classifier.classes)
    if labelled and any(path.is_dir() for path in images):
        click.echo(_accuracy(right, labelled, len({row["image"] for row in rows})), err=chosen is not None)
    for unreadable in skipped:
        warn(str(unreadable))
    if skipped:
        sys.exit(1)


def _accuracy(right: int, labelled: int, images: int) -> str:
    from search.stats.confidence import share_interval

    low, high = share_interval(right, labelled)
    others = (
        f"; the other {images - labelled:,} images lie in no folder of a class" if images > labelled else ""
    )
    return (
        f"accuracy {right / labelled:.4f} (95 % interval {low:.4f} to {high:.4f}) on {labelled:,} images"
        f" in folders of classes{others}"
    )
