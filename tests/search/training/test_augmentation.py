import pytest
import torch

from search.training.augmentation import Augmentation, _randaugment
from search.training.recipe import Recipe, Stage

IMAGES = torch.arange(8 * 12 * 12 * 3, dtype=torch.int64).remainder(251).to(torch.uint8).view(8, 12, 12, 3)
LABELS = torch.arange(8) % 4


def augmented(seed=0, flip=None, resolution=12, stage=None, **recipe):
    own = Stage(0, 1, resolution, 0.0, **{"randaugment": 0, "mixup": 0.0, "cutmix": 0.0, **(stage or {})})
    augmentation = Augmentation(Recipe(**recipe), own, 4, (0.0,) * 3, (1 / 255,) * 3)
    return augmentation(IMAGES, LABELS, flip, seed)


def test_without_augmentation_images_are_normalised():
    inputs, shares = augmented(shift=0)
    assert inputs.round().to(torch.uint8).permute(0, 2, 3, 1).equal(IMAGES)
    assert shares.equal(torch.eye(4)[LABELS])


@pytest.mark.parametrize(
    ("stage", "recipe"),
    [
        ({}, {}),
        ({"randaugment": 9}, {}),
        ({"randaugment": 30}, {"randaugment_shared": 3}),
        ({"mixup": 0.2}, {}),
        ({"cutmix": 1.0}, {}),
        ({"mixup": 0.5, "cutmix": 0.5}, {}),
        ({}, {"crop": "resized"}),
    ],
)
def test_random_draws_depend_on_the_seed_alone(stage, recipe):
    torch.manual_seed(5)
    first, shares = augmented(seed=1, stage=stage, **recipe)
    torch.manual_seed(6)
    before = torch.get_rng_state()
    again, same = augmented(seed=1, stage=stage, **recipe)
    assert first.equal(again) and shares.equal(same)
    assert torch.get_rng_state().equal(before)
    assert not first.equal(augmented(seed=2, stage=stage, **recipe)[0])
    assert first.shape == (8, 3, 12, 12) and first.dtype == torch.float32
    assert shares.sum(1).allclose(torch.ones(8))


def test_only_marked_images_are_mirrored():
    flip = torch.arange(8) == 3
    inputs, _ = augmented(flip=flip, shift=0)
    plain, _ = augmented(shift=0)
    assert inputs[3].equal(plain[3].flip(2))
    assert inputs[~flip].equal(plain[~flip])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_randaugment_takes_any_number_of_channels(channels):
    images = IMAGES[..., :1].expand(8, 12, 12, channels)
    for seed in range(20):
        torch.manual_seed(seed)
        operated = _randaugment(images, 30, 3)
        assert operated.shape == images.shape and operated.dtype == torch.uint8
        if channels in (2, 4):
            assert all(operated[..., 0].equal(operated[..., channel]) for channel in range(channels))


def test_a_resized_crop_has_the_size_of_the_stage():
    assert augmented(resolution=9, crop="resized")[0].shape == (8, 3, 9, 9)


def test_mixup_and_cutmix_share_a_batch():
    """As in Google's code, mixup gets the first half and CutMix the second."""
    inputs, shares = augmented(stage={"mixup": 5.0, "cutmix": 5.0}, shift=0)
    plain, _ = augmented(shift=0)
    unchanged = (inputs == plain).flatten(1).float().mean(1)
    assert unchanged[:4].max() < 0.9
    own = shares.gather(1, LABELS[:, None])[4:, 0]
    # The pasted part covers as much of the image as its class has of the target.
    assert (unchanged[4:] >= own - 0.05).all()
