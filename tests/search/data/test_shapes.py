import hashlib

import numpy as np
import pytest

from search.data import load, load_test, source_from
from search.data.scenes import CLASSES, label, scenes
from search.data.shapes import pictures
from search.data.splits import held_out
from space import UserError

SOME = np.arange(40)


def test_images_are_what_they_have_always_been():
    """Raise `scenes.VERSION` with every change of this hash, or old caches will be taken for new ones."""
    images = np.concatenate([pictures(3, SOME, d, r).ravel() for d, r in ((0.0, 16), (0.5, 32), (1.0, 48))])
    assert hashlib.sha256(images.tobytes()).hexdigest() == GOLDEN


GOLDEN = "eec315552b7f61b451315fedb5fc924fde4d5b14f610e8571025caf59b0a9269"


def test_an_image_depends_on_its_seed_and_index_alone():
    together = pictures(0, SOME, 0.5, 24)
    assert np.array_equal(pictures(0, SOME[7:9], 0.5, 24), together[7:9])
    assert not np.array_equal(pictures(1, SOME[7:9], 0.5, 24), together[7:9])


def test_the_same_scene_is_seen_at_every_resolution():
    """Up to the noise, which is the camera's: 48 px averaged over 3 x 3 are the 16 px."""
    small, large = (pictures(0, SOME, 0.0, side).astype(float) for side in (16, 48))
    averaged = large.reshape(40, 16, 3, 16, 3, 3).mean(axis=(2, 4))
    difference = abs(averaged - small).mean(axis=(1, 2, 3))
    assert difference.max() < 10
    assert difference.max() < abs(averaged - small[::-1]).mean(axis=(1, 2, 3)).min() / 3


def test_textures_are_lost_at_16_pixels_and_seen_at_48():
    """The contrast between neighbouring pixels falls far behind where a period has less than two of them."""

    def contrast(resolution):
        images = pictures(0, np.arange(200), 0.0, resolution).astype(float).mean(axis=3)
        middle = slice(resolution * 3 // 8, resolution * 5 // 8)
        return images[:, middle, middle].std(axis=(1, 2)).mean()

    assert contrast(16) < 0.8 * contrast(48)


@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_colours_are_a_hint_that_fades(difficulty):
    """The mean colour of the training images of each class tells test images apart, or tells nothing."""
    images = pictures(0, np.arange(2000), difficulty, 8).astype(float).mean(axis=(1, 2))
    labels = np.arange(2000) % 10
    middles = np.stack([images[:1000][labels[:1000] == k].mean(axis=0) for k in range(10)])
    nearest = ((images[1000:, None] - middles) ** 2).sum(axis=2).argmin(axis=1)
    right = (nearest == labels[1000:]).mean()
    assert right > 0.4 if difficulty == 0 else right < 0.16


def test_difficulty_takes_contrast_away():
    easy, hard = (pictures(0, np.arange(200), d, 16).astype(float).std(axis=(1, 2)).mean() for d in (0, 1))
    assert hard < easy


def test_the_default_is_ten_classes_alike_in_number():
    source = source_from({"source": "shapes", "images": 500, "test_images": 100})
    data = load(source, 16)
    assert data.classes == CLASSES
    assert (data.channels, data.flip, data.skipped) == (3, True, ())
    assert np.bincount(data.train.labels).tolist() == [40] * 10
    assert np.bincount(data.validation.labels).tolist() == [10] * 10
    assert np.bincount(load_test(source, 16).labels).tolist() == [10] * 10


def test_the_test_split_stays_when_there_is_more_to_train():
    few, many = (
        load_test(source_from({"source": "shapes", "images": n, "test_images": 50}), 8) for n in (100, 300)
    )
    assert np.array_equal(few.images, many.images)


def test_what_is_held_out_is_like_the_rest():
    """The split and the scenes draw from the same seed and indices, but not the same numbers."""
    index = np.arange(10_000)
    held = held_out(label(index), 0.2, seed=0)
    drawn = scenes(0, index, 0.5)
    for values in (drawn.figure.size, drawn.figure.x, drawn.contrast, drawn.noise, *drawn.background.T):
        difference = values[held].mean() - values[~held].mean()
        assert abs(difference) < 5 * values.std() / np.sqrt(held.sum())


def test_no_image_is_in_two_splits():
    source = source_from({"source": "shapes", "images": 300, "test_images": 100})
    data = load(source, 16)
    images = np.concatenate([data.train.images, data.validation.images, load_test(source, 16).images])
    assert len(np.unique(images.reshape(400, -1), axis=0)) == 400


@pytest.mark.parametrize(
    "options", [{"difficulty": 1.5}, {"images": 5}, {"seed": -1}, {"validation": 0}, {"path": "x"}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(UserError, match=next(iter(options))):
        source_from({"source": "shapes", **options})
