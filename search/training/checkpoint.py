"""The checkpoints from which a training resumes, wherever its process was killed.

checkpoint.json holds the progress and names the file of the tensors, checkpoint-STEP.pt. New tensors are written
before checkpoint.json, and the old ones are removed after it, so the last checkpoint is complete at any time. Random
draws need no stored state: `search.training.rng` derives each from the seed and the step.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from search.files import write_file
from search.proxy.ema import Average
from space.refusal import UserError

DOCUMENT = "checkpoint.json"
_TENSORS = "checkpoint-*.pt"


class EpochResult(BaseModel):
    """The results of a finished epoch.

    epoch: the number of the epoch, from 0. resolution: the side of the training images in pixels. loss: the mean
    training loss, with augmentation and label smoothing, and in an elastic training also with distillation. With
    several processes, it is the mean over the images of this process. seconds: the duration of the epoch, with
    validation. accuracy, validation_loss: the metrics on the validation split, see
    `search.proxy.accuracy.Validation`; None if this process did not measure them after this epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int
    resolution: int
    loss: float
    seconds: float
    accuracy: float | None = None
    validation_loss: float | None = None


class Progress(BaseModel):
    """The progress of a training, without its tensors.

    threads: the number of torch's threads. epoch: the current epoch, counted from 0. epoch_steps: the number of steps
    so far in this epoch. loss: the sum of the losses of these steps. step: the number of steps so far in all. images:
    the number of images so far, over all processes. seconds: the duration so far. epochs: the finished epochs.
    scaler: the state of the gradient scaler, {} unless the precision is float16. sha256: the hash of the file of the
    tensors.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["compound-nas.checkpoint"] = "compound-nas.checkpoint"
    version: Literal[2] = 2
    data: str
    """The digest of the data."""
    threads: int
    epoch: int = 0
    epoch_steps: int = 0
    step: int = 0
    loss: float = 0.0
    images: int = 0
    seconds: float = 0.0
    epochs: list[EpochResult] = []
    # Whole numbers are read as int, also from old checkpoints: torch refuses a growth interval of 2000.0 steps.
    scaler: dict[str, Annotated[int | float, Field(union_mode="left_to_right")]] = {}
    tensors: str = ""
    """The name of the file of the tensors, "" before the first checkpoint."""
    sha256: str = ""


def write_checkpoint(
    folder: Path,
    progress: Progress,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average | None,
) -> None:
    """Write the state of a training into `folder`, in place of its last checkpoint.

    The name and the hash of the file of tensors are noted in `progress`.
    """
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.tensors if average else {},
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    progress.tensors = _TENSORS.replace("*", str(progress.step))
    progress.sha256 = hashlib.sha256(content).hexdigest()
    write_file(folder / progress.tensors, content)
    write_file(folder / DOCUMENT, progress.model_dump_json(indent=1) + "\n")
    for old in folder.glob(_TENSORS):
        if old.name != progress.tensors:
            old.unlink(missing_ok=True)


def read_progress(folder: Path) -> Progress | None:
    """Return the progress of the training in `folder`; None if it has no checkpoint yet.

    Raises `UserError` for a checkpoint that cannot be read, is damaged, or is of another version.
    """
    path = folder / DOCUMENT
    try:
        return Progress.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except ValidationError:
        raise UserError(f"{path} is damaged, or not a checkpoint of this version.") from None


def restore(
    folder: Path,
    progress: Progress,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average | None,
) -> None:
    """Load the tensors of the checkpoint in `folder` into the network, the optimizer and the average.

    Raises `UserError` if their file is missing or damaged.
    """
    path = folder / progress.tensors
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != progress.sha256:
        raise UserError(f"{path} is damaged: its checksum differs from that in {DOCUMENT}.")
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    if average:
        for name, tensor in state["average"].items():
            average.tensors[name].copy_(tensor)


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a finished training."""
    (folder / DOCUMENT).unlink(missing_ok=True)
    for tensors in folder.glob(_TENSORS):
        tensors.unlink(missing_ok=True)
