"""A safe reader of tensors in files: safetensors, or torch.load of weights only. No code in a file is run."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from space.refusal import UserError, unknown_name

# Names of the state dict in checkpoints of timm, torchvision's references, Lightning and other training scripts.
# Averaged weights come first, as in timm, since they are the ones that are evaluated.
_WRAPPERS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
)
_COUNTERS = ("n_averaged", "total_ops", "total_params")
"""The names of the counters that AveragedModel and thop store among the weights."""


@dataclass(frozen=True, slots=True, eq=False)
class TensorFile:
    """The tensors of a file by name, on the CPU.

    metadata: the metadata in a safetensors header. within: the key of the tensors in a checkpoint, e.g.
    "state_dict_ema", or "".
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    within: str = ""


def read_tensors(path: Path) -> TensorFile:
    """Return the tensors of a safetensors file, or of a state dict or checkpoint that torch.save wrote.

    The kind of file is recognised by its content, so any ending will do. Raises `UserError` for a file that is
    missing, damaged or incomplete, holds objects that could run code, or has no state dict or several.
    """
    try:
        with path.open("rb") as opened:
            head = opened.read(9)
        if head[8:] == b"{":  # safetensors: the length of the header in 8 bytes, then the header as JSON.
            with safe_open(path, framework="pt", device="cpu") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
                return TensorFile(_tensors(tensors, path), file.metadata() or {})
        return _unwrapped(_load(path), path)
    except FileNotFoundError:
        siblings = path.parent.glob(f"*{path.suffix}") if path.parent.is_dir() else ()
        raise unknown_name("file", path, siblings) from None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except SafetensorError as error:
        raise UserError(f"{path} is not a complete safetensors file: {error}.") from None


def _load(path: Path) -> Any:
    # The checkpoints of timm and of torchvision's references contain this harmless container of options.
    permitted = torch.serialization.safe_globals([argparse.Namespace])
    try:
        # Opened here, since torch.load also looks at the ending of a path.
        with permitted, path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about the protocol of files that it will refuse.
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # Damaged files raise RuntimeError, EOFError, KeyError, ...
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if isinstance(error, UnpicklingError) and code:
            raise UserError(
                f"{path} holds more than tensors ({code[1]}); reading that could run code."
                " Save the network's state_dict() instead."
            ) from None
        raise UserError(
            f"{path} is not a complete file of torch.save or safetensors: it is of another kind, damaged or"
            " incomplete."
        ) from None


def _unwrapped(loaded: Any, path: Path) -> TensorFile:
    """Return the state dict in `loaded`: the one under a usual key, else the only mapping with tensors.

    Raises `UserError` if there is none, or several.
    """
    within: list[str] = []
    while isinstance(loaded, Mapping):
        usual = [key for key in _WRAPPERS if _leads_to_tensors(loaded.get(key))]
        inner = [key for key, value in loaded.items() if isinstance(value, Mapping) and _holds_tensors(value)]
        if not usual and len(loaded) == 1:  # A wrapper of any name that holds nothing else.
            inner = [key for key, value in loaded.items() if _leads_to_tensors(value)]
        if not usual and (not inner or _holds_tensors(loaded)):
            if not _holds_tensors(loaded) and loaded:
                raise UserError(f"{path} holds no tensors; its keys: {_listed(loaded)}.")
            return TensorFile(_tensors(loaded, path), {}, ".".join(within))
        if not usual and len(inner) > 1:
            raise UserError(f"{path} holds several state dicts: {_listed(inner)}. Save one of them alone.")
        within.append(str((usual or inner)[0]))
        loaded = loaded[(usual or inner)[0]]
    raise UserError(f"{path} holds a {type(loaded).__name__}, which is not a state dict.")


def _leads_to_tensors(value: Any) -> bool:
    """Return True for a mapping with tensors at any depth."""
    return isinstance(value, Mapping) and (
        _holds_tensors(value) or any(map(_leads_to_tensors, value.values()))
    )


def _holds_tensors(value: Mapping[Any, Any]) -> bool:
    return any(isinstance(item, Tensor) for item in value.values())


def _listed(names: Iterable[Any]) -> str:
    first = [repr(str(name)) for name in names]
    return ", ".join(first[:5]) + (f" and {len(first) - 5} more" if len(first) > 5 else "")


def _tensors(state_dict: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Return all values except counters. Raises `UserError` for a value that is not a tensor."""
    names = {str(name): value for name, value in state_dict.items()}
    tensors = {name: value for name, value in names.items() if name.rpartition(".")[2] not in _COUNTERS}
    for name, value in tensors.items():
        if not isinstance(value, Tensor):
            raise UserError(f"{path}: {name!r} is a {type(value).__name__}, not a tensor.")
    return tensors


def without_prefix(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
    """Return the tensors without the prefix that all names share, such as "module."; None if they share none."""
    firsts = {name.partition(".")[0] for name in tensors}
    if len(firsts) != 1 or not all("." in name for name in tensors):
        return None
    return {name.partition(".")[2]: tensor for name, tensor in tensors.items()}
