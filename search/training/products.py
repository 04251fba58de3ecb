"""The products of a search among children, which are subnetworks that inherit the weights of a parent network.

The best child within each limit is fine-tuned. For comparison, the parent and the models in `weights` are fine-tuned
too:

search train RUN limit.macs=5M,10M,20M weights=models/b0,models/lite0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from search.config import Config
from search.files import write_file
from search.models.model import Feeding, Metric, Model, Provenance, is_model, load_model, save_model, versions
from search.runs.networks import find_network, model_folder
from search.runs.run import PARENT, Run, open_run
from search.settings.limits import Limits
from search.training.settings import MODELS, task_of
from search.training.task import DOCUMENT, Task, read_task
from search.trials.answers import accuracy
from search.trials.trial import Trial
from space import Architecture, UserError
from space.cost.table import EXACT, cost_row, exact_cost

if TYPE_CHECKING:
    from search.training.progress import Callback

RECIPE = "finetune"
"""The default recipe of products."""
INHERITED = "inherited"
"""The subfolder of a product's folder that holds the model before its fine-tuning."""


@dataclass(frozen=True, slots=True)
class Product:
    """A network and its fine-tuning. The network is the child chosen for one limit, the parent, or another model.

    name: the limit as the user wrote it ("macs=5M"), "parent", or the name of the other model. trial: the trial of a
    child, else None. amount: the limited cost of the network, in the unit of `space.cost.table`; None if it is
    unknown. task: the fine-tuning. folder: the folder of the model. parent: the file of the weights that the network
    inherits from; None for another model.
    """

    name: str
    trial: Trial | None
    amount: float | None
    task: Task
    folder: Path
    parent: Path | None


@dataclass(frozen=True, slots=True)
class Products:
    """All products of one command.

    cost: the name of the limited cost. out: the path of the table and of the chart, without the file extension.
    """

    cost: str
    every: tuple[Product, ...]
    out: Path


def has_limits(settings: Mapping[str, Any]) -> bool:
    """Return True if the settings of `search train` contain a limit, so that the command makes products."""
    return any(key.startswith("limit.") for key in settings)


def products_of(word: str, settings: Mapping[str, Any]) -> Products:
    """Return the products that `search train RUN limit.COST=A,B` describes, in the order of the limits.

    For each limit, the product is the most accurate complete trial of the run within the limit. The parent and the
    models in the setting `weights` follow; they are fine-tuned in the same way. Raises `UserError` for a run without
    a parent, invalid settings, limits on several costs, an unknown cost, a limit that no trial keeps, an entry of
    `weights` that is not a model, two products with the same folder, a folder that holds another training (such as
    that of another trial), and a path `out` that ends in no name.
    """
    run = _run(word)
    name, amounts = _limits(settings)
    rest = {
        key: value for key, value in settings.items() if key != "weights" and not key.startswith("limit.")
    }
    task, _ = task_of(word, {"recipe": RECIPE, **rest})
    base = Path(str(rest["out"])).expanduser() if rest.get("out") else MODELS / run.path.name
    if base.name in ("", ".."):
        raise UserError(
            f"out={rest['out']}: products are named after it; give it a name, such as out=models/mine."
        )
    weights = run.path / PARENT
    chosen = [(amount, _best(run, name, amount)) for amount in amounts]

    def product(title: str, trial: Trial | None, network: Architecture, end: str) -> Product:
        folder = base.with_name(f"{base.name}-{end}")
        number = trial.number if trial else None
        own = replace(task, architecture=network, trial=number, run=run.name).for_data()
        own = replace(own, weights=(folder / INHERITED).absolute())
        return Product(title, trial, _amount(run, name, own.architecture), own, folder, weights)

    children = [product(f"{name}={a}", trial, trial.architecture, f"{name}-{a}") for a, trial in chosen]
    parent = product("parent", None, _architecture(weights), "parent")
    others = [_other(run, name, task, model, base) for model in _models(settings.get("weights"))]
    every = (*children, parent, *others)
    for place, one in enumerate(every):
        if one.folder in [earlier.folder for earlier in every[:place]]:
            raise UserError(
                f"weights: {one.name} would be written into {one.folder}, where another product is."
            )
        _refuse_other(one)
    return Products(name, every, base.with_name(f"{base.name}-{name}"))


def make(product: Product, callback: Callback | None = None) -> tuple[Model | None, Model]:
    """Write a product's model with inherited weights, and its fine-tuned model, into its folder, and return both.

    The first model is None for a product that is neither a child nor the parent, since it inherits nothing. A model
    that is already in the folder is not made again. An interrupted fine-tuning is resumed, even if the folder was
    moved. `products_of` has already refused folders with other trainings.
    """
    from search.training.loop import train

    folder = product.folder / INHERITED
    # If an earlier command was stopped here, the search may have gone on since, and another child may now be best.
    if product.parent and not (is_model(folder) and (product.folder / DOCUMENT).exists()):
        save_model(_inherited(product.task, product.parent), folder)
    if not is_model(product.folder):
        _follow(product)
        train(product.task, product.folder, callback)
    return load_model(folder) if product.parent else None, load_model(product.folder)


def _follow(product: Product) -> None:
    """Rewrite the task of a product whose folder was moved, with the new path of its inherited weights."""
    document = product.folder / DOCUMENT
    if product.parent and document.exists() and read_task(product.folder) != product.task:
        write_file(document, yaml.safe_dump(product.task.document(), sort_keys=False))


def _refuse_other(product: Product) -> None:
    """Raise `UserError` if the folder of the product holds another training, or a model without a task."""
    folder = product.folder
    if not (folder / DOCUMENT).exists() and not is_model(folder):
        return
    known, own = read_task(folder).document(), product.task.document()
    # Inherited weights lie in the product's own folder, which may have been moved.
    same = {"weights"} if product.parent else set()
    different = [key for key in own if own[key] != known[key] and key not in same]
    if different:
        raise UserError(
            f"{folder} holds another training than this {product.name} (different: {', '.join(different)}); choose"
            " another out=NAME, or delete it."
        )


def _other(run: Run, name: str, task: Task, model: str, base: Path) -> Product:
    """Return the product of a model in the setting `weights`. model: its folder, as the user wrote it."""
    found = find_network(model)
    path = model_folder(found, model)
    own = replace(task, architecture=found.architecture, trial=None, run="").for_data()
    own = replace(own, weights=path.absolute())
    folder = base.with_name(f"{base.name}-{path.name}")
    return Product(path.name, None, _amount(run, name, own.architecture), own, folder, None)


def _models(given: object) -> list[str]:
    words = given if isinstance(given, list | tuple) else str(given or "").split(",")
    return [str(word).strip() for word in words if str(word).strip()]


def _architecture(weights: Path) -> Architecture:
    from space.weights import load_weights

    return load_weights(weights).architecture


def _amount(run: Run, name: str, network: Architecture) -> float | None:
    if name in EXACT:
        return exact_cost(name, network)
    forecast = {"step": run.config.forecast, "latency": run.config.latencies}.get(name)
    return forecast.step(network).ms if forecast else None


def _run(word: str) -> Run:
    if ":" in word:
        raise UserError(f"{word}: limits choose among all trials of a run; name the run without a trial.")
    run = open_run(word)
    if run.config.proxy.parent is None:
        raise UserError(
            f"{word} did not search among children, so its networks inherit no weights. Search among children with:"
            " search launch space=inside:PARENT weights=FILE."
        )
    return run


def _limits(settings: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Return the name of the limited cost and its amounts as the user wrote them.

    Raises `UserError` for limits on several costs, an unknown cost, and an amount that is given twice.
    """
    first, *others = (key for key in settings if key.startswith("limit."))
    if others:
        raise UserError(f"{first} and {others[0]}: all products have limits on the same cost; leave one out.")
    name, value = first.partition(".")[2], settings[first]
    cost_row(name)
    amounts = [part.strip() for part in str(value).split(",")]
    if len(set(amounts)) < len(amounts):
        raise UserError(f"{first}={value} has a limit twice; write each limit once.")
    return name, amounts


def _best(run: Run, name: str, amount: str) -> Trial:
    config = _limited(run.config, name, amount)
    complete = [trial for trial in run.trials if trial.state == "complete"]
    if complete and not _limited(run.config, name, "1e-9" if cost_row(name).unit == "ms" else "1").exceeded(
        complete[0].architecture
    ):
        raise UserError(
            f"limit.{name}={amount}: the run {run.name} has no predicted {name} of its networks; "
            f"limit one of {', '.join(EXACT)}."
        )
    within = [trial for trial in complete if not config.exceeded(trial.architecture)]
    if not within:
        raise UserError(
            f"limit.{name}={amount}: none of {len(complete)} complete trials of {run.name} keeps it."
        )
    return max(within, key=lambda trial: (accuracy(trial), -trial.cost.macs))


def _limited(config: Config, name: str, amount: str) -> Config:
    """Return `config` with limit.NAME=AMOUNT as its only limit. Raises `UserError` for an invalid amount."""
    try:
        value = cost_row(name).parse(amount)
    except UserError as error:
        raise UserError(f"limit.{name}={amount}: {error}") from None
    return replace(config, limit=Limits.model_validate({name: value}))


def _inherited(task: Task, parent: Path) -> Model:
    """Return the child or the parent as a model, with its accuracies on the validation and the test split.

    Its weights are inherited, its normalisation statistics recomputed and its classifier fitted, all on the CPU.
    """
    import torch

    from search.data import load, load_test
    from search.proxy.classifier import fit_classifier
    from search.proxy.validation import recalibrate, validate
    from space.weights import load_weights, rebuild
    from space.weights.children import inherit

    cpu = torch.device("cpu")
    weights = inherit(load_weights(parent), task.architecture)
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
    origin = f"{'the parent' if task.trial is None else 'a child of the parent'} of {task.run}"
    return Model(
        weights=replace(weights, tensors=network.state_dict(), origin=origin),
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
        feeding=Feeding(resolution=data.resolution, crop=None if data.whole else 1.0),
    )
