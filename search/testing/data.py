"""The contract of kinds of data: checks that every `Source` must pass, also in other packages.

    @pytest.mark.parametrize("check", SOURCE_CONTRACT)
    def test_my_source(check, tmp_path):
        check(MySource(source="mine", cache=tmp_path))

The checks fill the source's cache, so give it a separate folder. A check that fails raises `AssertionError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search.data.dataset import Split, load, load_test, source_from
from search.data.source import Source

_RESOLUTION = 16
_SOME = np.arange(4)


def described(source: Source) -> None:
    """Check that a source's options describe it completely, since a worker gets only the run's configuration."""
    again = source_from(source.model_dump(mode="json"))
    assert again == source, f"the options of {source!r} describe another source: {again!r}"


def shaped(source: Source) -> None:
    """Check that images are read-only bytes of the right size, labels valid classes, and class names distinct.

    There must be two classes or more, and images of every class in the training and the validation split.
    """
    data = load(source, _RESOLUTION)
    splits = {"train": data.train, "validation": data.validation, "test": load_test(source, _RESOLUTION)}
    for part, split in splits.items():
        _check_split(part, split, (_RESOLUTION, _RESOLUTION, data.channels), len(data.classes))
    for part in ("train", "validation"):
        labels = set(splits[part].labels.tolist())
        assert labels == set(range(len(data.classes))), f"{part} lacks classes: it has {labels}"
    names = data.classes
    assert len(set(names)) == len(names) >= 2, f"2 or more distinct class names are needed: {names}"


def normalisable(source: Source) -> None:
    """Check that every channel has a possible mean (0 to 1) and standard deviation (above 0, up to 1) of pixels."""
    data = load(source, _RESOLUTION)
    assert len(data.mean) == len(data.std) == data.channels
    assert all(0 <= mean <= 1 for mean in data.mean), f"means must be in 0..1: {data.mean}"
    assert all(0 < std <= 1 for std in data.std), f"deviations must be above 0, up to 1: {data.std}"


def repeatable(source: Source) -> None:
    """Check that data depend on options and files alone: loading or decoding them again must give equal data."""
    once, twice = (load(source, _RESOLUTION).digest for _ in range(2))
    assert once == twice, "loading the data twice gives different digests"
    contents, again = source.open(), source.open()
    assert contents.classes == again.classes, "the classes change from one opening to the next"
    some = np.arange(min(8, len(contents.labels)))
    first, second = (source_contents.decode(some, _RESOLUTION) for source_contents in (contents, again))
    assert np.array_equal(first.images, second.images), "images change from one opening to the next"
    alone = contents.decode(some[-1:], _RESOLUTION)
    if alone.valid.all():
        assert np.array_equal(alone.images[0], first.images[-1]), "an image depends on its batch"


SOURCE_CONTRACT: Sequence[Callable[[Source], None]] = (described, shaped, normalisable, repeatable)
"""The checks for every source."""


def _check_split(part: str, split: Split, shape: tuple[int, int, int], classes: int) -> None:
    assert split.images.shape == (len(split), *shape), f"{part}: images are {split.images.shape}"
    assert split.images.dtype == np.uint8, f"{part}: images are {split.images.dtype}"
    some = split.images[_SOME % len(split)]
    assert some.shape == (len(_SOME), *shape), f"{part}: {len(_SOME)} images are {some.shape}"
    try:
        split.images[0] = 0  # type: ignore[index]
    except (TypeError, ValueError):
        pass
    else:
        raise AssertionError(f"{part}: images can be overwritten")
    assert split.labels.dtype == np.int64, f"{part}: labels are {split.labels.dtype}"
    assert split.labels.min() >= 0, f"{part}: labels are negative"
    assert split.labels.max() < classes, f"{part}: there is a label without a class"
