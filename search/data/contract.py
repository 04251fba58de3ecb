"""What every source promises, as one check that a new entry of `DATASETS` joins with `check(source)`."""

from __future__ import annotations

import numpy as np

from search.data.dataset import Split, load, load_test, source_from
from search.data.source import Source


def check(source: Source, resolution: int = 16) -> None:
    """Raises `AssertionError` unless `source` loads as promised. Fills its cache: give it one of its own."""
    assert source_from(source.model_dump()) == source, "its options do not describe it"
    data = load(source, resolution)
    splits = {"train": data.train, "validation": data.validation, "test": load_test(source, resolution)}
    for part, split in splits.items():
        _check_split(part, split, (resolution, resolution, data.channels), len(data.classes))
    for part in ("train", "validation"):
        found = set(splits[part].labels.tolist())
        assert found == set(range(len(data.classes))), f"{part} lacks classes: it has {found}"
    assert len(set(data.classes)) == len(data.classes) >= 2, "classes need names, each its own"
    assert len(data.mean) == len(data.std) == data.channels
    assert all(0 <= mean <= 1 for mean in data.mean), "the mean is in 0..1"
    assert all(0 < std <= 1 for std in data.std), "the deviation is in 0..1, and never 0"
    _check_again(source, resolution, data.digest)


def _check_split(part: str, split: Split, shape: tuple[int, int, int], classes: int) -> None:
    assert split.images.shape == (len(split), *shape), f"{part}: images are {split.images.shape}"
    assert split.images.dtype == np.uint8, f"{part}: images are {split.images.dtype}"
    assert not split.images.flags.writeable, f"{part}: images can be overwritten"
    assert split.labels.dtype == np.int64, f"{part}: labels are {split.labels.dtype}"
    assert split.labels.min() >= 0, f"{part}: labels are negative"
    assert split.labels.max() < classes, f"{part}: there is a label without a class"


def _check_again(source: Source, resolution: int, digest: str) -> None:
    """The same from the cache, and the same decoded anew: a source depends on its options and files alone."""
    assert load(source, resolution).digest == digest, "the cache returns something else"
    contents, again = source.open(), source.open()
    assert contents.classes == again.classes, "the classes change from one opening to the next"
    some = np.arange(min(8, len(contents.labels)))
    first, second = (opened.decode(some, resolution) for opened in (contents, again))
    assert np.array_equal(first.images, second.images), "images change from one opening to the next"
    alone = contents.decode(some[-1:], resolution)
    if alone.kept.all():
        assert np.array_equal(alone.images[0], first.images[-1]), "an image depends on its batch"
