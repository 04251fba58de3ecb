"""A second set of images for the proof: 12,000 training and 3,000 test images of Fashion-MNIST as a .npz file.

    apt install dataset-fashion-mnist
    python -m experiments.benchmarks.proof.fashion --out fashion.npz

The images are drawn at random from each split with seed 0, and keep their 28 px and their single channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from search.data.idx import DEBIAN, FashionMnist

TRAIN, TEST, SIDE, SEED = 12_000, 3_000, 28, 0


def main(given: Sequence[str] | None = None) -> None:
    """Write the .npz file to --out. given: the arguments; None: the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--path", type=Path, default=DEBIAN, help="the folder of the four files")
    options = parser.parse_args(given)
    contents = FashionMnist(path=options.path).open()
    rng = np.random.default_rng(SEED)
    train, test = (
        rng.permutation(np.flatnonzero(mask))[:count]
        for mask, count in ((~contents.test, TRAIN), (contents.test, TEST))
    )
    arrays = {
        f"{split}_{part}": values
        for split, chosen in (("train", train), ("test", test))
        for part, values in (
            ("x", contents.decode(chosen, SIDE).images),
            ("y", contents.labels[chosen]),
        )
    }
    np.savez_compressed(options.out, classes=np.array(contents.classes), **arrays)


if __name__ == "__main__":
    main()
