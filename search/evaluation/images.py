"""The labelled images of an evaluation, with the classes of a classifier."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import starmap
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from search.data import cache
from search.data.dataset import Split, cache_entry, contents_of, opened
from search.data.folder import Folder
from search.data.source import Images, Labels, Source, TooFewImages
from search.models.classifier import Classifier
from search.models.model import numbered
from space.refusal import UserError, unknown_name

Part = Literal["test", "validation", "train", "all"]
PARTS: tuple[Part, ...] = get_args(Part)
"""The splits that can be evaluated; "all" joins the three."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Images at the resolution of a classifier, with their classes.

    source, split: the origin of the images. labels: the classes (n,), as the classifier numbers them. labelled: False
    if the data have a class that the classifier lacks; `labels` then has the numbers of the data's own classes.
    """

    source: Source
    split: Part
    labels: Labels
    labelled: bool
    _splits: tuple[Split, ...]
    _places: NDArray[np.int64]
    _side: int
    """The side of the centre that the network sees, in pixels."""

    def batches(self, size: int) -> Iterator[Images]:
        """Yield all images (b, side, side, channels) in their order, up to `size` at a time."""
        for split in self._splits:
            for start in range(0, len(split), size):
                yield centre(split.images[start : start + size], self._side)

    def at(self, places: Sequence[int]) -> list[Images]:
        """Return the images (side, side, channels) at the indices `places`."""
        starts = np.cumsum([0, *map(len, self._splits)])
        parts = np.searchsorted(starts, places, side="right") - 1
        chosen = zip(parts.tolist(), (np.asarray(places) - starts[parts]).tolist(), strict=True)
        return list(starmap(self._image, chosen))

    def names(self, places: Sequence[int]) -> list[str]:
        """Return the name of the image at each index of `places`: a file, or a split and number ("train image 7")."""
        name = self.source.open().name
        return [name(int(self._places[place])) for place in places]

    def _image(self, part: int, place: int) -> Images:
        image: Images = centre(self._splits[part].images[np.array([place])], self._side)[0]
        return image


def labelled_images(
    source: Source, classifier: Classifier, split: Part = "test", *, strict: bool = True
) -> LabelledImages:
    """Return the images of `source` with the size, channels and class numbers of `classifier`.

    strict: False permits classes that the classifier does not have, with the data's own class numbers; True refuses
    them. Raises `UserError` for refused classes, for unusable data, and for images that cannot be converted to the
    classifier's number of channels.
    """
    names = ("train", "validation", "test") if split == "all" else (split,)
    fed = classifier.fed
    stored = round(fed.resolution / (fed.crop or 1))
    with _advised(source):
        contents = contents_of(source)
        numbers = _numbers(contents.classes, classifier.classes, strict=strict)
        if contents.channels != classifier.channels and classifier.channels in (1, 3):
            source = source.model_copy(update={"channels": classifier.channels})
        manifest, parts = opened(source, stored, names)
    if manifest.channels != classifier.channels:
        raise UserError(
            f"The images have {manifest.channels} channels, and {classifier.name} has {classifier.channels}."
        )
    entry, labels = cache_entry(source, stored), np.concatenate([parts[name].labels for name in names])
    return LabelledImages(
        source=source,
        split=split,
        labels=labels if numbers is None else numbers[labels],
        labelled=numbers is not None,
        _splits=tuple(parts[name] for name in names),
        _places=np.concatenate([cache.places(entry, name) for name in names]),
        _side=fed.resolution,
    )


def centre(images: Images, side: int) -> Images:
    """Return the central squares (n, side, side, c) of images (n, height, width, c)."""
    top, left = ((whole - side) // 2 for whole in images.shape[1:3])
    return images[:, top : top + side, left : left + side]


@contextmanager
def _advised(source: Source) -> Iterator[None]:
    """Add a command that needs no splits to the error of the block if a folder has too few images for splits."""
    try:
        yield
    except TooFewImages as error:
        if not isinstance(source, Folder):
            raise
        raise UserError(
            f"{error} search predict MODEL {shlex.quote(str(source.path))} needs no splits, and tells the accuracy."
        ) from None


def _numbers(theirs: tuple[str, ...], ours: tuple[str, ...], *, strict: bool) -> Labels | None:
    """Return the model's number for each class of the data.

    Classes match by name. They match by order if one side only has numbers as names ("0", "1", ...), and both sides
    have equally many classes. theirs, ours: the class names of the data and of the model. For a class that the model
    lacks, raises `UserError` if `strict`, else returns None. Also raises `UserError` for a name that several classes
    of the model share, which happens twice in ImageNet.
    """
    if theirs == ours:
        return np.arange(len(ours))
    # Folders called 0 to 10 are listed in the order 0, 1, 10, 2, ..., so equal names must not match by order.
    counted = len(theirs) == len(ours) and numbered(len(ours)) in (theirs, ours)
    if counted and not set(theirs) <= set(ours):
        return np.arange(len(ours))
    for name in theirs:
        if name not in ours:
            if not strict:
                return None
            raise unknown_name("class for this model", name, ours)
        if ours.count(name) > 1:
            raise UserError(
                f"The model has {ours.count(name)} classes called {name!r}; images of a class of this name could be"
                " of any of them."
            )
    return np.array([ours.index(name) for name in theirs], dtype=np.int64)
