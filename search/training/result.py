"""What a full training leaves: the model, with what was measured of it, and the course of its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from search.models.model import Feeding, Metric, Model, Provenance, save_model, versions
from search.proxy.accuracy import Validation
from search.tables.table import Column
from search.tables.writing import write
from search.training import checkpoint
from search.training.checkpoint import Progress
from search.training.initial_weights import Beginning
from search.training.task import Task
from space.timing.device import processor
from space.weights import Weights

EPOCHS = "epochs.csv"
COURSE = (
    Column("epoch", "Epoch", form="d", description="counted from 0"),
    Column("resolution", "Resolution", "px", form="d", description="side of the images that were trained on"),
    Column("loss", "Loss", form=".4f", description="of training, with all that makes it harder"),
    Column("accuracy", "Accuracy", form=".4f", description="on the validation split"),
    Column("validation_loss", "Validation loss", form=".4f", description="without smoothing"),
    Column("seconds", "Time", "s", form=".1f", description="on the clock, with validation"),
)
"""Of `EPOCHS`."""
_ONCE = "looked at once, after the last epoch"


def model_of(
    task: Task,
    progress: Progress,
    began: Beginning,
    tensors: Mapping[str, Tensor],
    classes: tuple[str, ...],
    test: Validation | None,
) -> Model:
    """The model of a training that is over. tensors: a state dict. test: figures on the test split."""
    origin = began.told or "trained from scratch"
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return Model(
        weights=Weights(task.architecture, kept, began.conventions, origin),
        classes=classes,
        recipe=task.recipe.model_dump(mode="json", by_alias=True),
        metrics=(*_validated(progress), *(_tested(test) if test else ())),
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
        feeding=Feeding(resolution=task.architecture.resolution),
    )


def finish(model: Model, progress: Progress, folder: Path) -> None:
    """Writes the model and the course of its epochs; the checkpoint, of which there is no more need, goes."""
    rows = [passed.model_dump() for passed in progress.passed]
    write(rows, COURSE, "csv", folder / EPOCHS)
    save_model(model, folder)
    (folder / checkpoint.DOCUMENT).unlink(missing_ok=True)
    for tensors in folder.glob("checkpoint-*.safetensors"):
        tensors.unlink(missing_ok=True)


def _validated(progress: Progress) -> list[Metric]:
    last = progress.passed[-1]
    if last.accuracy is None:  # Of a process that does not lead.
        return []
    return [Metric(name="accuracy", split="validation", value=last.accuracy)]


def _tested(found: Validation) -> list[Metric]:
    figures = {"accuracy": found.accuracy, "loss": found.loss, "top5": found.top5}
    return [
        Metric(name=name, split="test", value=value, note=_ONCE)
        for name, value in figures.items()
        if value is not None
    ]
