"""A model in int8, compared with float32 in accuracy, size and speed: `in_int8`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from search.data.source import Source
from search.evaluation.evaluate import evaluate_images
from search.evaluation.images import LabelledImages, labelled_images
from search.evaluation.metrics import Evaluation
from search.models.classifier import onnx_classifier
from search.models.forms.onnx import onnx_file
from search.models.int8.graph import Graph, prepared, require_ends
from search.models.int8.losses import LayerLoss, Speed, remedies, speed, weight_bytes, worst_layers
from search.models.int8.quantizer import Inputs, Quantized, quantized
from search.models.model import Model, versions
from search.models.onnx_reading import images_scaled
from search.stats.confidence import t_quantile
from space.cost.table import COSTS
from space.refusal import UserError
from space.timing.device import processor

_PIXELS, _MIN_IMAGES, _MAX_IMAGES = 2**22, 64, 512
"""The number of pixels in all calibration images together, and the smallest and largest number of these images. As
many other images decide between the methods of calibration. If the training split is too small, each gets a half."""
_SENSITIVITY = 4
"""One in this many of the images that decide between the methods is used to compute the loss of each layer."""
DROP = 0.01
"""The loss of accuracy above which layers that quantise badly are named."""


@dataclass(frozen=True, slots=True, eq=False)
class Int8:
    """A model in int8, compared with float32.

    float32: the ONNX file that was quantised. quantized: the file in int8, and how it was made. calibration: the
    number of images for calibration. before, after: the evaluations on the test split in float32 and int8. labelled:
    True if the model has all classes of the data. speed: the latencies of both files. worst, remedies: the layers
    that quantise badly and advice, if the loss exceeds `DROP`.
    """

    float32: bytes
    quantized: Quantized
    calibration: int
    before: Evaluation
    after: Evaluation
    labelled: bool
    speed: Speed
    worst: tuple[LayerLoss, ...]
    remedies: tuple[str, ...]

    @property
    def agreement(self) -> float:
        """The share of test images with the same label in int8 as in float32."""
        return float((self.before.predicted == self.after.predicted).mean())

    @property
    def drop(self) -> float:
        """The loss of accuracy, negative for a gain; without known true labels, the share of changed labels."""
        return self.before.accuracy - self.after.accuracy if self.labelled else 1 - self.agreement

    @property
    def half_interval(self) -> float:
        """Half the width of the 95 % interval of the loss of accuracy, paired by images; nan for a single image.

        It has no meaning if true labels are unknown.
        """
        own, other = (run.predicted == run.labels for run in (self.before, self.after))
        change = own.astype(float) - other
        if len(change) < 2:
            return float("nan")
        return t_quantile(len(change) - 1) * float(change.std(ddof=1)) / math.sqrt(len(change))


def in_int8(
    name: str,
    model: Model,
    source: Source,
    *,
    ends: Collection[str] = (),
    opset: int | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Int8:
    """Return `model` in int8, calibrated on training images of `source` and compared on its test images.

    name: the name of the model in messages and files. ends: layers that stay in float32, see
    `search.models.int8.graph.ENDS`. opset: the opset of the ONNX files; None: the exporter's default. progress:
    called with the name of each step. If the images have a class that the model lacks, labels in float32 and int8 are
    compared instead of accuracies. Raises `UserError` for an untrained model, an impossible export, and unusable
    data.
    """
    require_ends(ends)
    if not model.trained:
        raise UserError(
            f"{name} is not trained; int8 needs trained weights. Run search train {name}, and give the folder that"
            " it writes."
        )
    progress("exporting")
    float32 = onnx_file(name, model, opset)
    classifier = onnx_classifier(name, float32)
    train = labelled_images(source, classifier, "train", strict=False)
    test = labelled_images(source, classifier, "test", strict=False)
    calibration, held_out = _training_images(model, train)
    with prepared(float32) as graph:
        progress(f"calibrating on {len(calibration)} training images")
        result = quantized(graph, calibration, held_out, ends)
        progress(f"comparing on {len(test.labels):,} test images")
        before = evaluate_images(classifier, test)
        after = evaluate_images(onnx_classifier(name, result.content), test)
        return _compared(model, graph, result, calibration, held_out, before, after, test, progress)


def _compared(
    model: Model,
    graph: Graph,
    result: Quantized,
    calibration: Inputs,
    held_out: Inputs,
    before: Evaluation,
    after: Evaluation,
    test: LabelledImages,
    progress: Callable[[str], None],
) -> Int8:
    progress("timing")
    pace = speed(graph.float32, result.content, calibration[:1])
    compared = Int8(
        float32=graph.float32,
        quantized=result,
        calibration=len(calibration),
        before=before,
        after=after,
        labelled=test.labelled,
        speed=pace,
        worst=(),
        remedies=(),
    )
    if compared.drop <= DROP:
        return compared
    lost = "points are lost" if compared.labelled else "% of the labels change"
    progress(f"looking for the layers that quantise badly, since {100 * compared.drop:.1f} {lost}")
    worst = worst_layers(graph, result, held_out[: -(-len(held_out) // _SENSITIVITY)])
    return replace(compared, worst=worst, remedies=remedies(model.architecture, worst))


def _training_images(model: Model, train: LabelledImages) -> tuple[Inputs, Inputs]:
    """Return inputs (n, c, h, w) of the network for calibration, and n others that decide between the methods."""
    count = max(_MIN_IMAGES, min(_MAX_IMAGES, _PIXELS // model.fed.resolution**2))
    count = min(count, len(train.labels) // 2)
    conventions = model.weights.conventions
    images = images_scaled(np.stack(train.at(range(2 * count))), conventions.mean, conventions.std)
    return images[:count], images[count:]


def report(result: Int8) -> list[str]:
    """Return the comparison as lines of Markdown, which a terminal can show as well."""
    weights = [weight_bytes(content) for content in (result.float32, result.quantized.content)]
    files = [len(result.float32), len(result.quantized.content)]
    pace = result.speed
    rows: list[tuple[str, ...]] = [("", "float32", "int8", "")]
    if result.labelled:
        change = f"{-100 * result.drop:+.2f} points (95 % interval +- {100 * result.half_interval:.2f})"
        accuracies = (f"{run.accuracy:.4f}" for run in (result.before, result.after))
        rows.append((f"accuracy on {len(result.before.labels):,} test images", *accuracies, change))
    rows += [
        ("same label as float32", "", f"{result.agreement:.4f}", ""),
        ("bytes of weights", *(f"{value:,}" for value in weights), f"{weights[1] / weights[0]:.2f}"),
        ("bytes of the file", *(f"{value:,}" for value in files), f"{files[1] / files[0]:.2f}"),
        (
            "latency, one image, one thread",
            *(COSTS["latency"].text(ms) for ms in (pace.float_ms, pace.int8_ms)),
            f"{pace.ratio:.2f} +- {pace.ratio * pace.spread:.2f}",
        ),
    ]
    return [*_table(rows), "", *_notes(result)]


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2)), row[3].ljust(widths[3])]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            dashes = ["-" * (width + 1) for width in widths]
            yield f"|{dashes[0]}-|{dashes[1]}:|{dashes[2]}:|{dashes[3]}-|"


def _notes(result: Int8) -> Iterator[str]:
    made = result.quantized
    other = ", ".join(f"{name} {value:.3g}" for name, value in made.divergences.items())
    bits = "7 bits, depthwise 8, since this processor lacks VNNI" if made.reduced else "8 bits"
    kept = f"; in float32: {', '.join(made.kept)}" if made.kept else ""
    yield (
        f"- calibrated by {made.method} on {result.calibration} training images (divergence on as many others:"
        f" {other}); weights of {bits}{kept}"
    )
    packages = versions(("onnxruntime", "onnx"))
    software = ", ".join(f"{package} {version}" for package, version in packages.items())
    turns = f"{result.speed.pairs} timings of each in turns (median, 95 % interval)"
    yield f"- latency: {processor()}, {software}, {turns}"
    if result.worst:
        layers = ", ".join(f"{layer.name} ({layer.share:.0%})" for layer in result.worst)
        yield f"- layers that quantise badly (share of the loss, each alone): {layers}"
    elif result.drop > DROP:
        yield "- no single layer quantises badly; the loss is spread over all"
    if result.remedies:
        yield f"- what helps: {'; '.join(result.remedies)}"


def lines(result: Int8) -> list[str]:
    """Return the comparison for a terminal, without the markup of Markdown."""
    shown = (line for line in report(result) if not set(line) <= set("|-: "))
    return [line.strip("|").replace(" | ", "   ") if line.startswith("|") else line for line in shown]
