"""Products: models from a search among children, subnetworks that inherit the weights of a parent.

For each of several limits, the best child is fine-tuned:

search train RUN limit.macs=5M,10M,20M
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.config import Config
from search.models.model import Metric, Model, Provenance, is_model, load_model, save_model, versions
from search.runs.run import PARENT, Run, open_run
from search.settings.limits import Limits
from search.training.settings import MODELS, task_of
from search.training.task import Task
from search.trials.answers import accuracy
from search.trials.trial import Trial
from space import UserError
from space.cost.table import cost_row

if TYPE_CHECKING:
    from search.training.progress import Callback

RECIPE = "finetune"
"""The default recipe of products."""
INHERITED = "inherited"
"""The folder, inside that of a product, of the model before its fine-tuning."""


@dataclass(frozen=True, slots=True)
class Product:
    """The child that is chosen for one limit, and its fine-tuning.

    limit: the limit as it was written, "macs=5M". trial: the trial of the run. task: the fine-tuning. folder: the
    folder of the model. parent: the file of the parent's weights.
    """

    limit: str
    trial: Trial
    task: Task
    folder: Path
    parent: Path


def has_limits(settings: Mapping[str, Any]) -> bool:
    """Return True if the settings of `search train` contain a limit, so that it makes products."""
    return any(key.startswith("limit.") for key in settings)


def products_of(word: str, settings: Mapping[str, Any]) -> list[Product]:
    """Return the products that `search train RUN limit.COST=A,B` describes, in the order of the limits.

    Each is the most accurate complete trial of the run within the limit. Raises `UserError` for a run without a
    parent, an unknown cost, and a limit that no trial keeps.
    """
    run = _run(word)
    name, amounts = _limits(settings)
    rest = {key: value for key, value in settings.items() if not key.startswith("limit.")}
    if rest.get("weights") is not None:
        raise UserError(
            f"weights={rest['weights']}: the weights of products are those of the run {run.name}."
        )
    task, _ = task_of(word, {"recipe": RECIPE, **rest})
    base = Path(str(rest["out"])).expanduser() if rest.get("out") else MODELS / run.path.name
    products = []
    for amount in amounts:
        trial = _best(run, name, amount)
        folder = base.with_name(f"{base.name}-{name}-{amount}")
        own = replace(
            task,
            architecture=trial.architecture,
            trial=trial.number,
            run=run.name,
            weights=(folder / INHERITED).absolute(),
        )
        products.append(Product(f"{name}={amount}", trial, own.for_data(), folder, run.path / PARENT))
    return products


def make(product: Product, callback: Callback | None = None) -> tuple[Model, Model]:
    """Return two models of a product, with inherited weights and fine-tuned, and write them into its folder.

    A model that is there already is not made again. An interrupted fine-tuning is resumed.
    """
    from search.training.loop import train

    folder = product.folder / INHERITED
    if not is_model(folder):
        save_model(_inherited(product), folder)
    if not is_model(product.folder):
        train(product.task, product.folder, callback)
    return load_model(folder), load_model(product.folder)


def _run(word: str) -> Run:
    if ":" in word:
        raise UserError(f"{word}: limits choose among all trials of a run; write the run alone.")
    run = open_run(word)
    if run.config.proxy.parent is None:
        raise UserError(
            f"{word} did not search among children, so its networks inherit no weights; such a search is"
            " search launch space=inside:PARENT weights=FILE."
        )
    return run


def _limits(settings: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Return the name of the limited cost and its amounts as they were written."""
    first, *others = (key for key in settings if key.startswith("limit."))
    if others:
        raise UserError(f"{first} and {others[0]}: products have limits on one cost.")
    name, value = first.partition(".")[2], settings[first]
    cost_row(name)
    amounts = [part.strip() for part in str(value).split(",")]
    if len(set(amounts)) < len(amounts):
        raise UserError(f"{first}={value} has a limit twice.")
    return name, amounts


def _best(run: Run, name: str, amount: str) -> Trial:
    config = _limited(run.config, name, amount)
    complete = [trial for trial in run.trials if trial.state == "complete"]
    if complete and not _limited(run.config, name, "1e-9" if cost_row(name).unit == "ms" else "1").exceeded(
        complete[0].architecture
    ):
        raise UserError(f"limit.{name}: the run {run.name} has no prediction of it for its networks.")
    within = [trial for trial in complete if not config.exceeded(trial.architecture)]
    if not within:
        raise UserError(
            f"limit.{name}={amount}: none of {len(complete)} complete trials of {run.name} keeps it."
        )
    return max(within, key=lambda trial: (accuracy(trial), -trial.cost.macs))


def _limited(config: Config, name: str, amount: str) -> Config:
    """Return the search with limit.NAME=AMOUNT as its only limit. Raises `UserError` for an invalid amount."""
    try:
        value = cost_row(name).parse(amount)
    except UserError as error:
        raise UserError(f"limit.{name}={amount}: {error}") from None
    return replace(config, limit=Limits.model_validate({name: value}))


def _inherited(product: Product) -> Model:
    """Return the child as a model: inherited weights, recomputed statistics, fitted classifier, and accuracies."""
    import torch

    from search.data import load, load_test
    from search.proxy.classifier import fit_classifier
    from search.proxy.validation import recalibrate, validate
    from space.weights import load_weights, rebuild
    from space.weights.children import inherit

    task, cpu = product.task, torch.device("cpu")
    weights = inherit(load_weights(product.parent), task.architecture)
    mean, std = weights.conventions.mean, weights.conventions.std
    data = replace(load(task.source, task.architecture.resolution), mean=mean, std=std)
    network = rebuild(weights)
    recalibrate(network, data, cpu, 2048)
    fit_classifier(network, data, cpu, images=None)
    test = replace(data, validation=load_test(task.source, task.architecture.resolution))
    metrics = [
        Metric(name="accuracy", split="validation", value=validate(network, data, cpu).accuracy),
        Metric(name="accuracy", split="test", value=validate(network, test, cpu).accuracy),
    ]
    return Model(
        weights=replace(weights, tensors=network.state_dict(), origin=f"a child of the parent of {task.run}"),
        classes=data.classes,
        metrics=tuple(metrics),
        provenance=Provenance(
            run=task.run,
            trial=task.trial,
            origin="inherited, not fine-tuned",
            data=task.source.source,
            data_digest=data.digest,
            versions=versions(),
        ),
    )
