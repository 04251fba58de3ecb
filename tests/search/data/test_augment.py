import numpy as np
import pytest
import torch

from search.data import Split
from search.data.augment import augment, gather, mirrored, normalise

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.1)


def images(count=64, height=12, width=10):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator)


def augmented(batch, seed=0, **options):
    return augment(batch, MEAN, STD, torch.Generator().manual_seed(seed), **options)


def test_normalised_images_are_channels_last_of_mean_0_and_deviation_1():
    batch = images()
    found = normalise(batch, MEAN, STD)
    expected = (batch.permute(0, 3, 1, 2).double() / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(
        STD
    ).view(3, 1, 1)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_nothing_asked_for_is_nothing_done():
    batch = images()
    assert torch.equal(augmented(batch), normalise(batch, MEAN, STD))
    assert torch.equal(augmented(batch, flip=torch.zeros(64, dtype=torch.bool)), normalise(batch, MEAN, STD))


def test_the_chosen_images_are_mirrored_and_no_others():
    batch = images()
    flip = torch.arange(64) % 3 == 0
    plain = normalise(batch, MEAN, STD)
    found = augmented(batch, flip=flip)
    assert torch.equal(found[flip], plain[flip].flip(3))
    assert torch.equal(found[~flip], plain[~flip])
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_every_image_is_moved_by_an_offset_of_its_own_and_reflected_at_the_edge():
    batch = images(count=200)
    padded = torch.nn.functional.pad(normalise(batch, MEAN, STD), (2, 2, 2, 2), mode="reflect")
    seen = {}
    for image, moved in zip(padded, augmented(batch, shift=2), strict=True):
        offsets = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if torch.equal(image[:, down : down + 12, right : right + 10], moved)
        ]
        assert len(offsets) == 1
        seen[offsets[0]] = seen.get(offsets[0], 0) + 1
    assert len(seen) == 25
    assert max(seen.values()) < 25  # 8 on average


def test_mirroring_and_moving_go_together():
    batch = images()
    both = augmented(batch, flip=torch.ones(64, dtype=torch.bool), shift=2)
    assert _are_shifts(batch.flip(2), both)
    assert not _are_shifts(batch, both)


def _are_shifts(batch, moved):
    padded = torch.nn.functional.pad(normalise(batch, MEAN, STD), (2, 2, 2, 2), mode="reflect")
    return all(
        any(torch.equal(image[:, d : d + 12, r : r + 10], one) for d in range(5) for r in range(5))
        for image, one in zip(padded, moved, strict=True)
    )


def test_all_chance_comes_from_the_generator():
    batch = images()
    torch.manual_seed(1)
    first = augmented(batch, shift=3)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(augmented(batch, shift=3), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(augmented(batch, seed=1, shift=3), first)


@pytest.mark.parametrize("shift", [-1, 10])
def test_a_shift_that_does_not_fit_is_an_error(shift):
    with pytest.raises(ValueError, match=f"shift={shift} is outside of 0 to 9"):
        augmented(images(), shift=shift)


def test_a_shift_may_be_all_but_one_pixel():
    assert augmented(images(), shift=9).shape == (64, 3, 12, 10)


def test_grey_images_have_one_channel():
    batch = images()[..., :1]
    found = augment(batch, (0.5,), (0.2,), torch.Generator(), shift=2)
    assert found.shape == (64, 1, 12, 10)


def test_two_epochs_show_every_image_both_ways():
    indices = torch.arange(10_000)
    for seed in range(5):
        first = mirrored(indices, 0, seed)
        assert torch.equal(mirrored(indices, 1, seed), ~first)
        assert torch.equal(mirrored(indices, 2, seed), first)
        assert abs(int(first.sum()) - 5000) < 250  # 5 standard deviations


def test_which_half_is_mirrored_is_random():
    indices = torch.arange(10_000)
    halves = torch.stack([mirrored(indices, 0, seed) for seed in (0, 1, 2, 2**40)]).float()
    together = torch.cat([halves, halves.roll(1, 1), halves.roll(2, 1), halves.roll(10, 1)])
    correlation = torch.corrcoef(together) - torch.eye(16)
    assert correlation.abs().max() < 0.05


def test_an_image_is_mirrored_alike_in_any_batch():
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mirrored(order, 0, 3), mirrored(torch.arange(1000), 0, 3)[order])


def test_a_gathered_batch_is_a_copy():
    pixels = images(count=20).numpy()
    pixels.flags.writeable = False
    labels = np.arange(20)
    labels.flags.writeable = False
    found, classes = gather(Split(pixels, labels), torch.tensor([3, 3, 19]))
    assert classes.tolist() == [3, 3, 19]
    assert np.array_equal(found.numpy(), pixels[[3, 3, 19]])
    found.zero_()
    assert pixels[3].any()
