"""A training on disk, so that it can be taken up wherever its process ended.

checkpoint.json says how far it is and names the file of tensors beside it, whose name has the step. The tensors are
written first and the old ones removed last, so that a process which is killed leaves one whole pair or two. Draws
need no state: `search.training.rng` makes each from the seed and the step.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from search.files import write_file
from search.proxy.ema import Average
from space.refusal import UserError

DOCUMENT = "checkpoint.json"


class Passed(BaseModel):
    """An epoch that is over. loss: of training, with all regularisation. The others on the validation split.

    resolution: pixels it was trained on. seconds: that it took. accuracy, validation_loss: None if not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int
    resolution: int
    loss: float
    seconds: float
    accuracy: float | None = None
    validation_loss: float | None = None


class Progress(BaseModel):
    """How far a training is, beside its tensors.

    step: steps taken, of the whole training. taken: of them in epoch `epoch`, which is under way. loss: the sum of
    the losses of these. threads: of torch. scaler: of the gradients, in half precision.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["compound-nas.checkpoint"] = "compound-nas.checkpoint"
    version: Literal[1] = 1
    data: str
    """Digest of what is trained on."""
    threads: int
    epoch: int = 0
    taken: int = 0
    step: int = 0
    loss: float = 0.0
    images: int = 0
    seconds: float = 0.0
    passed: list[Passed] = []
    scaler: dict[str, float] = {}
    tensors: str = ""
    """The file's name."""
    sha256: str = ""


def write_checkpoint(
    folder: Path,
    progress: Progress,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Average | None,
) -> None:
    """Keep all that a training consists of in `folder`, in place of what was kept before."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    if average:
        tensors |= {f"average.{name}": tensor for name, tensor in average.tensors.items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{k}": v for k, v in state.items() if isinstance(v, Tensor)}
    content = safetensors.torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})
    progress.tensors = f"checkpoint-{progress.step}.safetensors"
    progress.sha256 = hashlib.sha256(content).hexdigest()
    write_file(folder / progress.tensors, content)
    write_file(folder / DOCUMENT, progress.model_dump_json(indent=1) + "\n")
    for old in folder.glob("checkpoint-*.safetensors"):
        if old.name != progress.tensors:
            old.unlink(missing_ok=True)


def read_progress(folder: Path) -> Progress | None:
    """How far the training in `folder` is; None if it has no checkpoint yet. Raises `UserError` for a damaged one."""
    path = folder / DOCUMENT
    try:
        return Progress.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except ValidationError:
        raise UserError(f"{path} is no checkpoint of this version.") from None


def restore(
    folder: Path,
    progress: Progress,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Average | None,
) -> None:
    """Put the tensors of the checkpoint where they were. Raises `UserError` if the file is missing or damaged."""
    path = folder / progress.tensors
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != progress.sha256:
        raise UserError(f"{path} is damaged: it is not what {DOCUMENT} tells of.")
    tensors = safetensors.torch.load(content)
    network.load_state_dict(_under("network.", tensors))
    if average:
        for name, kept in _under("average.", tensors).items():
            average.tensors[name].copy_(kept)
    _restore_optimiser(optimiser, _under("optimiser.", tensors))


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    states: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        states.setdefault(int(number), {})[key] = tensor
    document = optimiser.state_dict()
    optimiser.load_state_dict({**document, "state": states})
    for parameter, state in optimiser.state.items():
        for key, tensor in state.items():
            # In the parameter's own order of memory, which the kernels of optimisers take for granted.
            if isinstance(tensor, Tensor) and tensor.shape == parameter.shape:
                state[key] = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
