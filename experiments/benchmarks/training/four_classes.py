"""A folder of photographs of four classes, and searches on it, for several benchmarks.

The photographs come from an .npz file with the arrays train_x, train_y, test_x, test_y and classes, such as 15,000
images of CIFAR-10. 600 training images of each class become JPEG files under train/, and all its other images become
test images. The folder has no validation images, so a search holds out a fifth of train/ for validation.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from space import Architecture

CLASSES = ("airplane", "automobile", "bird", "cat")
PER_CLASS = 600
QUALITY = 95


def make_folder(npz: Path, folder: Path, per_class: int = PER_CLASS) -> Path:
    """Write the photographs as JPEG files, if `folder` does not exist, and return `folder`.

    per_class: the number of training images of each class.
    """
    import numpy as np
    from PIL import Image

    if folder.exists():
        return folder
    draft = folder.with_name(f".{folder.name}-{os.getpid()}")
    with np.load(npz) as arrays:
        names = [str(name) for name in arrays["classes"]]
        for name in CLASSES:
            label = names.index(name)
            training, test = (arrays[f"{part}_x"][arrays[f"{part}_y"] == label] for part in ("train", "test"))
            parts = {"train": training[:per_class], "test": np.concatenate([training[per_class:], test])}
            for part, images in parts.items():
                (draft / part / name).mkdir(parents=True)
                for number, image in enumerate(images):
                    Image.fromarray(image).save(draft / part / name / f"{number:04}.jpg", quality=QUALITY)
    draft.rename(folder)
    return folder


def environment() -> dict[str, str]:
    """Return environment variables with which commands use the code of this checkout, not an installed package."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def search(out: Path, name: str, words: Sequence[str]) -> None:
    """Run `search launch` with these words in the folder `out`, or resume the run `name` if it exists there.

    The output goes to `NAME.txt` in `out`. Raises `subprocess.CalledProcessError` if the command fails.
    """
    known = (out / "runs" / name / "config.yaml").exists()
    command = ["resume", name] if known else ["launch", *words, f"run={name}"]
    print(f"search {' '.join(command)}", flush=True)
    with (out / f"{name}.txt").open("a") as log:
        subprocess.run(
            [sys.executable, "-m", "search", *command], cwd=out, env=environment(), stdout=log, stderr=log
        ).check_returncode()


def draw(networks: Iterator[Architecture], count: int, permits: Any) -> list[Architecture]:
    """Return the first `count` different networks for which `permits` returns True."""
    chosen: dict[Architecture, None] = {}
    while len(chosen) < count:
        network = next(networks)
        if permits(network):
            chosen[network] = None
    return list(chosen)


def random_networks(space: Any, seed: str) -> Iterator[Architecture]:
    """Yield random networks of a space, without end. seed: the seed of the draws."""
    rng = random.Random(seed)
    while True:
        yield space.at(space.sample(rng))
