"""The command `search evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.terminal import UserPath, print_all, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from search.evaluation.metrics import Evaluation

_EXAMPLES = """\b
search evaluate flowers                                   its own test images
search evaluate flowers photos --split all --out DIR      a folder of images
search evaluate flowers.onnx data=npz data.path=FILE      an exported file
"""
_MAX_CLASSES, _MAX_MATRIX, _MAX_MISTAKES = 20, 12, 5
"""The largest numbers of classes in the table, of classes in the confusion matrix, and of mistakes on the screen."""


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=UserPath())
@click.argument("data", nargs=-1, metavar="[DATA | KEY=VALUE...]", shell_complete=completers.images)
@click.option(
    "--split",
    metavar="NAME",
    default="test",
    show_default=True,
    help="test, validation, train, or all for the three together.",
)
@click.option(
    "--out",
    type=UserPath(),
    metavar="DIR",
    help="A folder to write: every table as CSV, evaluation.json, the confusion matrix, the calibration and the most"
    " confident mistakes as PNG.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(model: Path, data: tuple[str, ...], split: str, out: Path | None, as_json: bool) -> None:
    """Evaluate a trained MODEL on labelled images.

    Prints the accuracy with its interval, a table of the classes, what is confused with what, and whether the
    probabilities can be trusted. MODEL is a folder of a model or an ONNX file of search export-model. DATA is a
    folder of class folders, a .npz file, or settings: data=NAME data.path=PATH. Without DATA: the images of MODEL's
    training. Classes are matched by name.
    """
    from search.evaluation.evaluate import evaluate as evaluated
    from search.evaluation.output import FILES
    from search.files import require_replaceable, write_folder

    if out:
        require_replaceable(out, FILES)
    result = evaluated(model, data_of(data), split)  # type: ignore[arg-type]
    if as_json:
        print_json(result.values())
    else:
        print_all(shown(result))
    if out:
        from search.evaluation.output import files

        contents = files(result)
        write_folder(out, contents, FILES)
        click.echo(f"\nwrote {out}: {', '.join(contents)}", err=as_json)


def data_of(words: tuple[str, ...]) -> Any:
    """Return the data that the words of the command line mean, for `search.evaluate`; None without words."""
    from search.settings.words import is_setting, parse

    if len(words) == 1 and not is_setting(words[0]):
        return words[0]
    return parse(words) or None


def shown(result: Evaluation) -> Iterator[RenderableType]:
    """Yield the parts of an evaluation on the screen: lines of text, and tables."""
    from search.cli.table import table
    from search.evaluation.metrics import MISTAKES, TRUE
    from search.tables.table import Column

    yield from summary(result)
    yield ""
    yield from class_table(result)
    if 2 < len(result.classes) <= _MAX_MATRIX:
        columns = [
            Column(TRUE, "True class"),
            *(Column(name, name, form=",d") for name in result.distinct_classes),
        ]
        yield "\nconfusion matrix, by predicted class:"
        yield table(result.confusion_rows(), columns)
    if result.mistakes:
        yield "\nmost confident mistakes:"
        yield table(result.mistake_rows()[:_MAX_MISTAKES], MISTAKES)


def summary(result: Evaluation) -> Iterator[str]:
    """Yield lines of text about all images together: accuracy, mean over the classes, loss and calibration."""
    low, high = result.interval
    top5 = "" if result.top5 is None else f", top-5 {result.top5:.4f}"
    yield f"{result.model} on {len(result.labels):,} images ({result.data}, {result.split})"
    yield f"accuracy {result.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})"
    yield f"mean over the classes {result.balanced_accuracy:.4f}{top5}, loss {result.loss:.4f}"
    gap = result.confidence - result.accuracy
    side = "over" if gap > 0 else "under"
    verdict = (
        f"{side}confident by {abs(gap):.4f}" if abs(gap) >= 0.0005 else "neither over- nor underconfident"
    )
    yield (
        f"calibration: mean confidence {result.confidence:.4f}, {verdict};"
        f" expected calibration error {result.calibration_error:.4f}"
    )


def class_table(result: Evaluation) -> Iterator[RenderableType]:
    """Yield the table of the classes, or of the least accurate ones where there are many."""
    from search.cli.table import table
    from search.evaluation.metrics import CLASSES

    rows = result.per_class()
    if len(rows) > _MAX_CLASSES:
        yield f"the {_MAX_CLASSES} least accurate of {len(rows)} classes:"
        rows = sorted(rows, key=lambda row: (row["accuracy"], -row["images"]))[:_MAX_CLASSES]
    yield table(rows, CLASSES)
