"""Tensors from files, which run no code: safetensors, or torch's unpickler of nothing but weights."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from space.refusal import UserError, unknown_name

SAFETENSORS, PICKLED = ".safetensors", (".pt", ".pth", ".bin", ".tar")

# What training scripts call the state dict in a checkpoint; averaged weights first, as timm has it, for they
# are those that are evaluated. (timm, torchvision's references, Lightning, and what is common.)
_WRAPPERS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
)
# Of DataParallel, torch.compile and AveragedModel.
_PREFIXES = ("module.", "_orig_mod.")
_AVERAGED = "n_averaged"


@dataclass(frozen=True, slots=True, eq=False)
class TensorFile:
    """The tensors of a file by name, on the CPU.

    metadata: of a safetensors header. within: where in a checkpoint they stood, e.g. "state_dict_ema".
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    within: str = ""


def read_tensors(path: Path) -> TensorFile:
    """Read the tensors of `path`, a .safetensors file or a state dict or checkpoint that torch saved (.pt, .pth,
    .bin, .tar), without the wrappers that training puts around them.

    Raises `UserError` for a file that is missing, damaged, cut short, or holds what is no tensor.
    """
    if path.suffix not in (SAFETENSORS, *PICKLED):
        raise unknown_name("kind of file of weights", path.suffix or path.name, (SAFETENSORS, *PICKLED))
    try:
        if path.suffix == SAFETENSORS:
            with safe_open(path, framework="pt", device="cpu") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
                return TensorFile(_bare(tensors, path), file.metadata() or {})
        return _unwrapped(_load(path), path)
    except FileNotFoundError:
        siblings = path.parent.glob(f"*{path.suffix}") if path.parent.is_dir() else ()
        raise unknown_name("file", path, siblings) from None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except SafetensorError as error:
        raise UserError(f"{path} is no whole safetensors file: {error}.") from None


def _load(path: Path) -> Any:
    # An inert bag of options, in the checkpoints of timm and of torchvision's references.
    permitted = torch.serialization.safe_globals([argparse.Namespace])
    try:
        with permitted, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About the protocol of what will be refused.
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # Damaged files raise RuntimeError, EOFError, KeyError, ...
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if isinstance(error, UnpicklingError) and code:
            raise UserError(
                f"{path} holds more than tensors ({code[1]}); reading that could run code."
                " Save the network's state_dict() instead."
            ) from None
        raise UserError(f"{path} is no whole file of torch.save: damaged, or cut short.") from None


def _unwrapped(loaded: Any, path: Path) -> TensorFile:
    within: list[str] = []
    while isinstance(loaded, Mapping):
        found = next((key for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if found is None:
            return TensorFile(_bare(loaded, path), {}, ".".join(within))
        within.append(found)
        loaded = loaded[found]
    raise UserError(f"{path} holds a {type(loaded).__name__}, no state dict.")


def _bare(state_dict: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Remove the prefixes that all tensors have."""
    tensors = {str(name): value for name, value in state_dict.items() if name != _AVERAGED}
    for name, value in tensors.items():
        if not isinstance(value, Tensor):
            raise UserError(f"{path}: {name!r} is a {type(value).__name__}, no tensor.")
    while prefix := next((p for p in _PREFIXES if tensors and all(n.startswith(p) for n in tensors)), ""):
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors
