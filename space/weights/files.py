"""The reader of weights in any format, and the writer of a file that describes its own network."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch

from space.architecture import Architecture, decode
from space.catalog import CATALOG, published
from space.refusal import UserError
from space.weights.conventions import (
    Conventions,
    conventions_json,
    for_channels,
    normalised,
    parse_conventions,
)
from space.weights.formats import weight_format
from space.weights.names import StateDict, format_of, from_ours, their_names, to_ours, used, whose
from space.weights.reading import TensorFile, read_tensors, without_prefix
from space.weights.weights import Weights


def load_weights(
    path: str | os.PathLike[str],
    network: Architecture | str | None = None,
    *,
    format: str | None = None,
    style: str | None = None,
    normalisation: str | None = None,
) -> Weights:
    """Return the weights in a file: safetensors, or a state dict or checkpoint of torch.save with any ending.

    network: an architecture, its canonical string, or a published name ("b0"), for which classes and image channels
        come from the file. None: the architecture that `weights_file` wrote into the file, else the published network
        with these tensors.
    format: a key of `WEIGHT_FORMATS`. None recognises it by the names of the tensors.
    style: "plain" or "tf" for timm, whose tensor names are the same in both. None: the conventions in the file, else
        "tf" for networks of which timm has no other weights (V2, b6 and larger, lite1 to lite4, ...) and for files
        with "tf_efficientnet" or "tf_mobilenet" in their path, else "plain".
    normalisation: a key of `NORMALISATIONS`. None: the normalisation in the file, else the usual one of the network's
        weights. AdvProp weights need "inception".

    Raises `UserError`, in one line, for a file that is unreadable, has values that are not finite, or is of another
    network, and for an unknown network, format, style or normalisation.
    """
    if network is not None:
        _named(network)
    if format is not None:
        weight_format(format)
    if normalisation is not None:
        normalised(Conventions(), normalisation)
    file = read_tensors(Path(os.path.expanduser(path)))
    try:
        format, named = _named_tensors(file.tensors, format)
        file = replace(file, tensors=named)
        architecture = _architecture(file, network, format)
        tensors = to_ours(file.tensors, architecture, format)
        _require_numbers(used(file.tensors, format))
        conventions, origin = _conventions(file, os.fspath(path), architecture, format, style)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if normalisation is not None:
        conventions = normalised(conventions, normalisation)
    return Weights(architecture, tensors, for_channels(conventions, architecture.channels), origin)


def weights_digest(weights: Weights) -> str:
    """Return 12 hexadecimal digits of a hash of tensors, architecture and conventions, independent of the file."""
    digest = hashlib.sha256(f"{weights.architecture} {conventions_json(weights.conventions)}".encode())
    for name in sorted(weights.tensors):
        tensor = weights.tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]


def read_weights(content: bytes) -> Weights:
    """Return the weights in the bytes of a file that `weights_file` wrote. Raises `UserError` if it is unreadable."""
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(content)
        file.flush()
        return load_weights(file.name)


def weights_file(weights: Weights, format: str = "ours") -> bytes:
    """Return `weights` as the bytes of a safetensors file with the names of `format`.

    In every format, its header holds the architecture, the conventions and the origin, so `load_weights` needs no
    other argument than the path. Raises `UserError` if `format` is unknown or cannot express the architecture.
    """
    tensors = from_ours(weights.tensors, weights.architecture, format)
    metadata = {
        "format": "pt",  # Hugging Face's libraries look for this entry.
        "architecture": str(weights.architecture),
        "conventions": conventions_json(weights.conventions),
        "origin": weights.origin,
    }
    return safetensors.torch.save({name: t.contiguous() for name, t in tensors.items()}, metadata)


def _named_tensors(tensors: StateDict, format: str | None) -> tuple[str, StateDict]:
    """Return the name of the format, and the tensors without prefixes that training tools put before all names.

    Prefixes such as "module." and "model." are removed until the stem of a format is found. If none is found, the
    tensors keep their names, or, if `format` is None, `UserError` is raised.
    """
    bare: StateDict | None = tensors
    refusals: list[UserError] = []
    while bare is not None:
        try:
            recognised = format_of(bare)
            return format or recognised, bare
        except UserError as error:
            refusals.append(error)
            bare = without_prefix(bare)
    if format is None:
        raise refusals[0]
    return format, tensors  # A later check names the tensors that are missing.


def _require_numbers(tensors: StateDict) -> None:
    """Raise `UserError` for the first tensor that is sparse, without values, not floating point, or not finite.

    Counters, which have no dimension, may be integers.
    """
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_meta:
            kind = "without values" if tensor.is_meta else "sparse"
            raise UserError(f"tensor {name!r} is {kind}; only ordinary tensors are read.")
        if tensor.ndim and not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix("torch.")
            raise UserError(f"tensor {name!r} is {kind}; weights are floating-point numbers.")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            count = int((~tensor.isfinite()).sum())
            raise UserError(
                f"tensor {name!r} is not finite: {count:,} of {tensor.numel():,} values are NaN or infinite."
            )


def _named(network: Architecture | str) -> Architecture:
    if isinstance(network, Architecture):
        return network
    return decode(network) if "/" in network else published(network).architecture


def _architecture(file: TensorFile, network: Architecture | str | None, format: str) -> Architecture:
    network = file.metadata.get("architecture") if network is None else network
    if network is None:
        return _recognised(file.tensors, format)
    architecture = _named(network)
    return _fitted(architecture, file.tensors, format) if network in CATALOG else architecture


def _recognised(tensors: StateDict, format: str) -> Architecture:
    """Return the first published network with these tensors, and with their number of classes and image channels.

    Raises `UserError` if there is none.
    """
    modules = {name.rpartition(".")[0] for name in used(tensors, format)}
    for row in CATALOG.values():
        try:
            if modules == set(weight_format(format).modules(row.architecture).values()):
                architecture = _fitted(row.architecture, tensors, format)
                to_ours(tensors, architecture, format)
                return architecture
        except UserError:
            continue
    headless = [name for name, row in CATALOG.items() if _headless(modules, row.architecture, format)]
    if headless:
        raise UserError(
            f"these are the tensors of {headless[0]} without all or part of its head, which is needed too."
        )
    raise UserError(
        f"no published network has these tensors ({whose(format)} names); name the network (--network, in Python"
        " network=)."
    )


def _headless(found: set[str], architecture: Architecture, format: str) -> bool:
    """Return True if `found` are the modules of the network without all or part of its head.

    found: names of modules in `format`.
    """
    try:
        modules = weight_format(format).modules(architecture)
    except UserError:
        return False
    missing = [ours for ours, theirs in modules.items() if theirs not in found]
    if not missing or not found <= set(modules.values()):
        return False
    return all(ours.startswith("head.") for ours in missing)


def _fitted(architecture: Architecture, tensors: StateDict, format: str) -> Architecture:
    """Return `architecture` with the numbers of classes and image channels that the tensors' shapes show."""
    stem, classifier = "stem.conv.conv.weight", "head.classifier.weight"
    names = their_names(architecture, format, (stem, classifier))
    first, last = tensors.get(names[stem]), tensors.get(names[classifier])
    # A missing or wrongly shaped tensor is refused later, by its name.
    channels = first.shape[1] if first is not None and first.ndim == 4 else architecture.channels
    classes = last.shape[0] if last is not None and last.ndim == 2 else architecture.classes
    return replace(architecture, channels=channels, classes=classes)


def _conventions(
    file: TensorFile, path: str, architecture: Architecture, format: str, style: str | None
) -> tuple[Conventions, str]:
    """Return the conventions and the origin of the weights.

    The conventions are the ones of `style` if given, else the ones in the file, else the usual ones of the format.
    """
    if style is None and "conventions" in file.metadata:
        return parse_conventions(file.metadata["conventions"]), file.metadata.get("origin", "")
    known = weight_format(format)
    chosen = known.style(architecture, path, style)
    assumed = "" if style else " assumed"
    parts = (format, f"style {chosen}{assumed}" if len(known.styles) > 1 else "", file.within)
    return known.styles[chosen](architecture), ", ".join(filter(None, parts))
