"""The model card, README.md: purpose, quality, cost, origin, and the hashes of the files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import yaml

from search.models.model import Metric, Model
from search.tables.units import one_line, si
from space import cost

CARD = "README.md"
NO_SECTIONS: Mapping[str, Iterable[str]] = MappingProxyType({})
_SHOWN = 20
"""The number of classes that are named. model.json has all of them."""


def card(
    name: str,
    model: Model,
    files: Mapping[str, bytes],
    meanings: Mapping[str, str],
    left_out: Mapping[str, str],
    sections: Mapping[str, Iterable[str]] = NO_SECTIONS,
) -> str:
    """Return the card of a `model` called `name`, in Markdown.

    files: the content of each other file in the folder, by name. meanings: the description of each file. left_out:
    the reason for each form that is not among the files. sections: the lines of more sections, by title.
    """
    parts = (
        _opening(name, model),
        _use(model, files),
        _section("Figures", _metrics(model.metrics)),
        _section("Cost", _cost(model)),
        *(_section(title, lines) for title, lines in sections.items()),
        _section("Classes", _classes(model)),
        _section("Data and provenance", _provenance(model)),
        _section("Recipe", _recipe(model)),
        _section("Files", _files(files, meanings, left_out)),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _opening(name: str, model: Model) -> Iterator[str]:
    network, fed = model.architecture, model.fed
    colours = {1: "grey", 3: "colour"}.get(network.channels, f"{network.channels}-channel")
    spent = cost(network)
    yield f"# {_plain(name)}"
    yield ""
    yield (
        f"Classifies {colours} images of {fed.resolution} x {fed.resolution} pixels into {network.classes} classes:"
        f" {spent.params:,} parameters, {si(spent.macs)} multiply-adds an image."
    )
    if not model.trained:
        yield ""
        yield f"**Not trained**: {_fresh(model)}. Figures below, if any, are of other weights."
    yield ""
    yield f"    {network}"


def _fresh(model: Model) -> str:
    if not model.weights.tensors:
        return "it has no weights here"
    if model.provenance.origin:
        return f"its classifier is freshly initialised, the other weights are of {model.provenance.origin}"
    return "its weights are freshly initialised (seed 0)"


def _use(model: Model, files: Mapping[str, bytes]) -> Iterator[str]:
    conventions = model.weights.conventions
    mean, std = (", ".join(f"{x:.6g}" for x in numbers) for numbers in (conventions.mean, conventions.std))
    yield from ("", "## Use", "")
    if model.trained:
        yield from ("    search predict . IMAGE...", "")
    code = [line for file, lines in _CODE.items() if file in files for line in lines]
    if model.weights.tensors and code:
        yield from ("```python", "import torch", *code, "```", "")
    side = model.fed.resolution
    yield (
        f"{_part(model.fed.crop)} is resized to {side} x {side} pixels, scaled to 0..1 and normalised:"
        f" (x - mean) / std, mean ({mean}), std ({std})."
    )


def _part(crop: float | None) -> str:
    """Return the words for the part of an image that is resized, see `search.models.model.Feeding`."""
    if crop is None:
        return "The whole image, whatever its shape,"
    share = "" if crop == 1 else f"{crop:.4g} of "
    return f"The central square of an image (its side is {share}the image's short side)"


_CODE = {
    "network.py": (
        "from safetensors.torch import load_file",
        "from network import Network  # network.py needs torch alone",
        "",
        "network = Network().eval()",
        'network.load_state_dict(load_file("model.safetensors"))',
        "logits = network(images)  # (batch, channels, height, width), normalised",
    ),
    "network.pt2": (
        "",
        'logits = torch.export.load("network.pt2").module()(images)',
    ),
    "network.onnx": (
        "",
        "import onnxruntime",
        "",
        'session = onnxruntime.InferenceSession("network.onnx")',
        '(logits,) = session.run(None, {"images": images.numpy()})',
    ),
    "timm_network.py": (
        "",
        "from timm_network import load",
        "",
        'network = load("model.safetensors")',
    ),
}
"""Examples of code, by the file that they use."""


def _metrics(metrics: Iterable[Metric]) -> Iterator[str]:
    rows = list(metrics)
    if not rows:
        return
    yield "| | split | value | spread (one standard deviation) | seeds | |"
    yield "|---|---|---:|---:|---:|---|"
    for metric in rows:
        spread = "-" if metric.spread is None else f"{metric.spread:.4f}"
        note = _plain(metric.note)
        yield f"| {metric.name} | {metric.split} | {metric.value:.4f} | {spread} | {metric.seeds} | {note} |"


def _cost(model: Model) -> Iterator[str]:
    spent = cost(model.architecture)
    yield "| | |"
    yield "|---|---:|"
    yield f"| trainable parameters | {spent.params:,} |"
    yield f"| multiply-adds of convolutions and classifier, at {model.architecture.resolution} px | {spent.macs:,} |"
    yield f"| outputs of all convolutions | {spent.activations:,} |"


def _classes(model: Model) -> Iterator[str]:
    shown, more = model.classes[:_SHOWN], len(model.classes) - _SHOWN
    yield ", ".join(map(_code, shown)) + (f", and {more} more (model.json)." if more > 0 else ".")


def _code(text: str) -> str:
    """Return `text` as inline code of Markdown, with a fence that no backtick in it can end.

    Unprintable characters are escaped.
    """
    line = one_line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line[:1] in ("`", " ") or line[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _plain(text: str) -> str:
    """Return `text` for one line of Markdown or a cell of its tables, with markup escaped."""
    line = one_line(text)
    return re.sub(r"([\\`*_<>|#\[\]&])", r"\\\1", line)


def _provenance(model: Model) -> Iterator[str]:
    origin = model.provenance
    trial = "" if origin.trial is None else f", trial {origin.trial}"
    facts = {
        "search": f"run {origin.run}{trial}" if origin.run else "",
        "weights": origin.origin,
        "data": origin.data,
        "digest of the data": origin.data_digest,
        "seed": "" if origin.seed is None else str(origin.seed),
        "images trained on": "" if origin.images is None else f"{origin.images:,}",
        "time of training": "" if origin.seconds is None else f"{origin.seconds:,.0f} s",
        "device": origin.device,
        "versions": ", ".join(f"{package} {version}" for package, version in origin.versions.items()),
        "architecture's digest": model.architecture.digest,
    }
    yield from (f"- {what}: {_plain(value)}" for what, value in facts.items() if value)


def _recipe(model: Model) -> Iterator[str]:
    if model.recipe:
        yield from ("```yaml", yaml.safe_dump(model.recipe, sort_keys=False).rstrip(), "```")


def _files(
    files: Mapping[str, bytes], meanings: Mapping[str, str], left_out: Mapping[str, str]
) -> Iterator[str]:
    yield "| file | | bytes | SHA-256 |"
    yield "|---|---|---:|---|"
    for file, content in sorted(files.items()):
        digest = hashlib.sha256(content).hexdigest()
        yield f"| {file} | {meanings.get(file, '')} | {len(content):,} | `{digest}` |"
    if left_out:
        yield ""
        yield from (f"- not written: {form}. {reason}" for form, reason in left_out.items())


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    body = list(lines)
    if body:
        yield from ("", f"## {title}", "", *body)
