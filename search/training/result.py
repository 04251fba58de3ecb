"""The result of a full training: the model, and a table of its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from search.data.dataset import Dataset
from search.models.model import Feeding, Metric, Model, Provenance, save_model, versions
from search.proxy.accuracy import Validation
from search.tables.table import Column
from search.tables.writing import write
from search.training.checkpoint import Progress, remove_checkpoint
from search.training.initial_weights import InitialNetwork
from search.training.task import Task
from space.timing.device import processor
from space.weights import Weights

EPOCHS = "epochs.csv"
EPOCH_COLUMNS = (
    Column("epoch", "Epoch", form="d", description="counted from 0"),
    Column("resolution", "Resolution", "px", form="d", description="side of the training images"),
    Column("loss", "Loss", form=".4f", description="of training, with augmentation and label smoothing"),
    Column(
        "accuracy",
        "Accuracy",
        form=".4f",
        description="on the validation split; with data.balance, the mean over the classes",
    ),
    Column("validation_loss", "Validation loss", form=".4f", description="without label smoothing"),
    Column("seconds", "Time", "s", form=".1f", description="wall-clock time, with validation"),
)
"""The columns of the table of epochs."""
_TEST_NOTE = "measured once, after the last epoch"


def model_of(
    task: Task,
    progress: Progress,
    initial: InitialNetwork,
    tensors: Mapping[str, Tensor],
    data: Dataset,
    test: Validation | None,
) -> Model:
    """Return the model of a finished training on `data`.

    tensors: a state dict. test: the figures on the test split, if any.
    """
    origin = initial.origin or "trained from scratch"
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return Model(
        weights=Weights(task.architecture, on_cpu, initial.conventions, origin),
        classes=data.classes,
        recipe=task.recipe.model_dump(mode="json", by_alias=True),
        metrics=(*_validation_metrics(progress), *(_test_metrics(test) if test else ())),
        provenance=Provenance(
            run=task.run,
            trial=task.trial,
            origin=origin,
            data=task.source.source,
            data_digest=progress.data,
            seed=task.seed,
            images=progress.images,
            seconds=round(progress.seconds, 3),
            device=processor(),
            versions=versions(),
        ),
        feeding=Feeding(resolution=data.resolution, crop=None if data.whole else 1.0),
    )


def finish(model: Model, progress: Progress, folder: Path) -> None:
    """Write the model and the table of its epochs into `folder`, and remove the checkpoint."""
    rows = [epoch.model_dump() for epoch in progress.epochs]
    write(rows, EPOCH_COLUMNS, "csv", folder / EPOCHS)
    save_model(model, folder)
    remove_checkpoint(folder)


def _validation_metrics(progress: Progress) -> list[Metric]:
    last = progress.epochs[-1]
    if last.accuracy is None:  # Only the first process validates.
        return []
    return [Metric(name="accuracy", split="validation", value=last.accuracy)]


def _test_metrics(validation: Validation) -> list[Metric]:
    figures = {"accuracy": validation.accuracy, "loss": validation.loss, "top5": validation.top5}
    return [
        Metric(name=name, split="test", value=value, note=_TEST_NOTE)
        for name, value in figures.items()
        if value is not None
    ]
