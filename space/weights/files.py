"""The reader of weights in any format, and the writer of a file that describes its own network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import safetensors.torch

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
from space.weights.reading import TensorFile, read_tensors
from space.weights.weights import Weights


def load_weights(
    path: str | os.PathLike[str],
    network: Architecture | str | None = None,
    *,
    format: str | None = None,
    style: str | None = None,
    normalisation: str | None = None,
) -> Weights:
    """Load the weights in a file: .safetensors, or what torch saved (.pt, .pth, .bin, .tar), wrappers and all.

    network: an architecture, its canonical string, or a published name ("b0"), which leaves classes and image
        channels to the file. None: what the file says if `weights_file` made it, else the published network
        that its tensors fit.
    format: a key of `WEIGHT_FORMATS`; None recognises it by the names.
    style: "plain" or "tf" for timm, whose names do not tell them apart; None takes "tf" for networks of which
        timm has no others (V2, b6 and larger) and for files with "tf_efficientnet" in their path.
    normalisation: a key of `NORMALISATIONS`; None takes the usual one of the network's weights. AdvProp
        weights need "inception".

    What is not said here and is in the file is taken from there. Raises `UserError`, in one line, for a file
    that is unreadable or of another network.
    """
    if network is not None:
        _named(network)
    if format is not None:
        weight_format(format)
    if normalisation is not None:
        normalised(Conventions(), normalisation)
    file = read_tensors(Path(os.path.expanduser(path)))
    try:
        format = format or format_of(file.tensors)
        architecture = _architecture(file, network, format)
        tensors = to_ours(file.tensors, architecture, format)
        conventions, origin = _conventions(file, os.fspath(path), architecture, format, style)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if normalisation is not None:
        conventions = normalised(conventions, normalisation)
    return Weights(architecture, tensors, for_channels(conventions, architecture.channels), origin)


def weights_file(weights: Weights, format: str = "ours") -> bytes:
    """Return `weights` as the bytes of a safetensors file with the names of `format`.

    Its header holds the architecture, the conventions and the origin in every format, so that `load_weights` needs
    nothing else. Raises `UserError` if `format` cannot express the architecture.
    """
    tensors = from_ours(weights.tensors, weights.architecture, format)
    metadata = {
        "format": "pt",  # Hugging Face's libraries look for it.
        "architecture": str(weights.architecture),
        "conventions": conventions_json(weights.conventions),
        "origin": weights.origin,
    }
    return safetensors.torch.save({name: t.contiguous() for name, t in tensors.items()}, metadata)


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
    """Return the first published network with these tensors, with the file's classes and image channels."""
    modules = {name.rpartition(".")[0] for name in used(tensors, format)}
    for row in CATALOG.values():
        try:
            if modules == set(weight_format(format).modules(row.architecture).values()):
                architecture = _fitted(row.architecture, tensors, format)
                to_ours(tensors, architecture, format)
                return architecture
        except UserError:
            continue
    raise UserError(f"no published network has these tensors ({whose(format)} names); name the network.")


def _fitted(architecture: Architecture, tensors: StateDict, format: str) -> Architecture:
    """Return `architecture` with the classes and image channels of these tensors."""
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
    """Return the conventions in the file, else the usual ones, and the origin of the weights."""
    if style is None and "conventions" in file.metadata:
        return parse_conventions(file.metadata["conventions"]), file.metadata.get("origin", "")
    known = weight_format(format)
    chosen = known.style(architecture, path, style)
    assumed = "" if style else " assumed"
    parts = (format, f"style {chosen}{assumed}" if len(known.styles) > 1 else "", file.within)
    return known.styles[chosen](architecture), ", ".join(filter(None, parts))
