import pytest
import torch

from space import Architecture, Head, Stage, Stem, UserError, build, cost
from space.stems import STEMS

REDUCTIONS = {
    "conv": 2,
    "pool": 4,
    "folded": 2,
    "xception": 2,
    "googlenet": 8,
    "inception": 8,
    "inceptionv4": 2,
}


@pytest.mark.parametrize("op", STEMS)
def test_a_stem_ends_with_its_width_and_says_how_far_it_shrinks_images(op):
    stem = Stem(24, act="relu", op=op)
    assert stem.reduction == REDUCTIONS[op]
    assert STEMS[op](stem, 3)[-1].width == 24
    network = Architecture(96, stem, (Stage("mb", 1, 3, 1, 1, 16),), Head(8), 2)
    built = build(network)
    with torch.no_grad():
        maps = built.features(torch.zeros(2, 3, 96, 96))
    assert maps[stem.reduction].shape[1] == 16
    assert sum(p.numel() for p in built.parameters()) == cost(network).params


def test_images_that_leave_nothing_are_refused():
    network = Architecture(8, Stem(24, op="inception"), (Stage("mb", 1, 3, 1, 1, 16),), Head(8), 2)
    with pytest.raises(
        UserError, match=r"^Images are too small for this network: \w+ would have nothing to read"
    ):
        cost(network)


def test_an_unknown_stem_is_refused():
    with pytest.raises(UserError, match=r"^Unknown stem\.op 'pol'\. Did you mean 'pool'\?"):
        Stem(8, op="pol")
