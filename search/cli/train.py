"""The command `search train`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers
from search.cli.settings_help import CommandWithSettings
from search.cli.terminal import UserPath, fail, print_all

if TYPE_CHECKING:
    from rich.console import RenderableType

    from search.models.model import Model
    from search.training.task import Task


class TrainingCommand(CommandWithSettings):
    """A command whose settings are those of `search train`."""

    def sections(self, chosen: dict[str, str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        from search.settings.groups import first_sentence, options
        from space import documents

        recipe = chosen.get("recipe", "small")
        yield "Settings", [(f"{s.key}={s.value}", s.meaning) for s in _single()]
        others = [name for name in documents.names("recipe") if name != recipe]
        rows = [(f"  or {name}", first_sentence("recipe", name)) for name in others]
        rows += [(f"{s.key}={chosen.get(s.key, s.value)}", s.meaning) for s in options("recipe", recipe)]
        yield f"recipe={recipe}", rows


@click.command(cls=TrainingCommand, context_settings={"max_content_width": 120})
@click.argument("what", required=False, metavar="WHAT", shell_complete=completers.networks)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=completers.training)
@click.option(
    "--resume",
    type=UserPath(),
    metavar="DIR",
    help="Continue the training in DIR, however it ended.",
)
@click.option("--print-config", is_flag=True, help="Print the resolved settings, and train nothing.")
def train(what: str | None, settings: tuple[str, ...], resume: Path | None, print_config: bool) -> None:
    """Train one network in full, into a usable model.

    WHAT is a run (its best network) or a trial (RUN:12), a published network (v2-s), a canonical string, the folder
    of a model, or a file that describes one network. Images are given as for `search launch`: data=folder
    data.path=DIR. By default they are those of the run or of the model's training. The test split is evaluated only
    at the end. For a search over the sub-networks of a parent (space=inside:PARENT), limit.macs=5M,10M fine-tunes the
    best sub-network within each limit, the parent, and the models in weights=DIR,DIR, and draws accuracy against the
    limited cost.
    """
    import yaml

    from search.models.model import is_model
    from search.settings.words import parse
    from search.training.products import has_limits
    from search.training.settings import claim, task_of
    from search.training.task import read_task

    if resume is not None:
        if what or settings:
            raise click.UsageError("--resume DIR continues the training in DIR and takes no other words.")
        task = read_task(resume)
        if is_model(resume):
            return click.echo(f"{resume} is finished; the model is in that folder.")
        return _trained(task, resume)
    if what is None:
        raise click.UsageError("Missing argument 'WHAT': a run, a published network or a canonical string.")
    given = parse(settings)
    if has_limits(given):
        return _products(what, given, print_config)
    task, folder = task_of(what, given)
    if print_config:
        return click.echo(yaml.safe_dump(task.document(), sort_keys=False, width=110), nl=False)
    if _is_main():
        folder = claim(folder, given)
    _trained(task, folder)


def _products(what: str, given: dict[str, Any], print_config: bool) -> None:
    """Fine-tune the best network within each limit and print their table, or only print the settings."""
    import yaml

    from search.cli.table import table
    from search.proxy.failure import TrialFailed
    from search.report.products import COLUMNS, row, write_products
    from search.tables.selection import filled
    from search.tables.table import Row
    from search.training.products import make, products_of

    products = products_of(what, given)
    if print_config:
        documents = [product.task.document() for product in products.every]
        return click.echo(yaml.safe_dump_all(documents, sort_keys=False, width=110), nl=False)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    rows: list[Row] = []
    try:
        for product in products.every:
            click.echo(f"{product.name}: {product.folder}", err=True)
            rows.append(row(product, *make(product, _watch())))
    except KeyboardInterrupt:
        fail("Stopped. Run the same command again to continue.", 130)
    except TrialFailed as error:
        fail(f"{error} Try a lower recipe.learning_rate.", 1)
    written = (f"wrote {path}" for path in write_products(products, rows))
    looked = "accuracies on the test split, which was evaluated once for each model, inherited or fine-tuned"
    print_all([table(rows, filled(rows, COLUMNS)), "", looked, *written])
    return None


def _trained(task: Task, folder: Path) -> None:
    from search.proxy.failure import TrialFailed
    from search.training.loop import train as run
    from search.training.task import DOCUMENT

    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        model = run(task, folder, _watch() if _is_main() else None)
    except KeyboardInterrupt:
        begun = (folder / DOCUMENT).exists()
        hint = f"Continue with: search train --resume {folder}" if begun else "The training had not begun."
        fail(f"Stopped. {hint}", 130)
    except TrialFailed as error:
        fail(f"{error} Try a lower recipe.learning_rate.", 1)
    if _is_main():
        print_all(_summary(model, task, folder))


def _watch() -> Any:
    from rich.console import Console

    from search.training.progress import Terminal

    return Terminal(Console(stderr=True))


def _summary(model: Model, task: Task, folder: Path) -> Iterator[RenderableType]:
    """Yield the table of the classes of a trained model on the test split, its metrics, and the next commands."""
    from search.cli.evaluate import class_table
    from search.evaluation.evaluate import evaluate_images
    from search.evaluation.images import labelled_images
    from search.models.classifier import classifier_of
    from search.tables.units import clock

    classifier = classifier_of(model, folder.name, task.recipe.device)
    if task.test:
        yield "test images of each class:"
        yield from class_table(evaluate_images(classifier, labelled_images(task.source, classifier)))
    figures = ", ".join(f"{m.name} on {m.split} {m.value:.4f}" for m in model.metrics)
    seconds = clock(model.provenance.seconds or 0)
    yield f"\n{folder}: {figures}; {seconds}"
    yield f"\nNext: search predict {folder} IMAGE...   or   search evaluate {folder} --out DIR"


def _single() -> list[Any]:
    """Return the settings outside groups."""
    from search.settings.groups import plain

    return list(plain("train", "default"))


def _is_main() -> bool:
    """Return True in the process that prints and writes: the first process of torchrun, or the only process."""
    return os.environ.get("RANK", "0") == "0"
