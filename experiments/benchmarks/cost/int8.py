"""Models in int8: loss of accuracy, bytes and latency.

    search train r32_i16_s1/... data=npz data.path=FILE.npz recipe.epochs=8 out=answer
    search weights efficientnet-lite0.pth --model lite0
    python -m experiments.benchmarks.cost.int8 answer --out int8.md                       # about two minutes
    python -m experiments.benchmarks.cost.int8 lite0 --photographs --out lite0.md         # about five minutes

Each model is quantised as by `search export-model MODEL --int8` on the images of its training. The output has the
table of the model card and the expected calibration errors in float32 and in int8. With --photographs, which is for
models of ImageNet, the images are crops of ten photographs that scikit-learn and scikit-image contain, and the
predicted labels of six whole photographs follow. Start it on an idle machine.
"""

from __future__ import annotations

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from search.data.folder import Folder
from search.data.source import Source
from search.evaluation.evaluate import images_of
from search.evaluation.int8 import Int8, in_int8, report
from search.files import write_file
from search.models.classifier import onnx_classifier
from search.models.model import load_model
from search.models.predict import predict
from search.training.networks import network_of_model

LABELLED = {
    "sklearn/datasets/images/china.jpg": "palace",
    "sklearn/datasets/images/flower.jpg": "daisy",
    "skimage/data/chelsea.png": "cat",
    "skimage/data/coffee.png": "espresso",
    "skimage/data/camera.png": "tripod",
    "skimage/data/rocket.jpg": "missile",
}
"""The object that each photograph shows, by the path of the photograph in an installed package."""
OTHERS = tuple(f"skimage/data/{name}.png" for name in ("astronaut", "coins", "motorcycle_left", "horse"))
_CROPS = 40
"""The number of crops of each photograph."""


def installed(path: str) -> Path:
    """Return the path of a file in an installed package, given as "package/file".

    Exits with a message if the package is not installed.
    """
    package, _, rest = path.partition("/")
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed: pip install '.[photographs,digits]'")
    return Path(found.origin).parent / rest


def write_crops(folder: Path) -> None:
    """Write random square crops of each photograph into `folder`, in one class folder per photograph."""
    rng = np.random.default_rng(0)
    for number, path in enumerate((*LABELLED, *OTHERS)):
        image = Image.open(installed(path)).convert("RGB")
        target = folder / f"{number}_{Path(path).stem}"
        target.mkdir(parents=True)
        for crop in range(_CROPS):
            side = int(min(image.size) * rng.uniform(0.5, 1))
            left, top = (int(rng.integers(0, whole - side + 1)) for whole in image.size)
            image.crop((left, top, left + side, top + side)).save(target / f"{crop}.png")


def labels(made: Int8, name: str) -> list[str]:
    """Return the most probable label of each whole photograph in float32 and in int8, as lines of a Markdown table.

    made: the model in both precisions. name: the name of the model.
    """
    paths = [installed(path) for path in LABELLED]
    files = (made.float32, made.quantized.content)
    rows = [predict(onnx_classifier(name, content), paths, 1) for content in files]
    lines = ["| photograph | float32 | int8 |", "|---|---|---|"]
    for path, before, after in zip(paths, *rows, strict=True):
        cells = (f"{row['label']} ({row['probability']:.2f})" for row in (before, after))
        lines.append(f"| {path.name} | {' | '.join(cells)} |")
    return lines


def compared(folder: Path, photographs: Source | None, ends: list[str]) -> list[str]:
    """Return the comparison of the model in `folder` in float32 and in int8, as lines of Markdown.

    photographs: the images to compare on; None: the images of the model's training. ends: the layers that stay in
    float32, "first" or "classifier".
    """
    source = photographs or images_of(network_of_model(folder), None)
    name, model = folder.resolve().name, load_model(folder)
    made = in_int8(name, model, source, ends=ends, progress=lambda step: print(f"{name}: {step} ..."))
    errors = ", ".join(f"{run.calibration_error:.4f}" for run in (made.before, made.after))
    heading = [f"## {name}", "", f"`{model.architecture}`", ""]
    calibration = [f"- expected calibration error before and after: {errors}"] if made.labelled else []
    photos = ["", *labels(made, name)] if photographs else []
    return [*heading, *report(made), *calibration, *photos, ""]


def main() -> None:
    """Write the comparisons of the models that the command line names to the file --out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+", help="folders of trained models")
    parser.add_argument("--photographs", action="store_true", help="compare on crops of photographs")
    parser.add_argument("--float32", default="", help="layers that stay in float32: first,classifier")
    parser.add_argument("--out", type=Path, required=True, help="the Markdown file to write")
    words = parser.parse_args()
    ends = words.float32.split(",") if words.float32 else []
    source: Source | None = None
    with tempfile.TemporaryDirectory() as crops:
        if words.photographs:
            write_crops(Path(crops, "images"))
            source = Folder(source="folder", path=Path(crops, "images"), cache=Path(crops, "cache"))
        texts = [compared(model, source, ends) for model in words.models]
    write_file(words.out, "\n".join(line for lines in texts for line in lines))


if __name__ == "__main__":
    main()
