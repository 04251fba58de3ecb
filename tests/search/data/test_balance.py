import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.data.balance import class_weights, epoch_order

COUNTS = st.lists(st.integers(0, 12), min_size=2, max_size=6).filter(lambda counts: sum(counts) > 0)


def labels_of(counts):
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]


def order(labels, balance, seed=0):
    return epoch_order(labels, balance, torch.Generator().manual_seed(seed))


@given(COUNTS, st.integers(0, 3))
def test_every_class_is_shown_equally_often_and_every_image_of_it(counts, seed):
    labels = labels_of(counts)
    shown = order(labels, "sample", seed)
    assert len(shown) == len(labels)
    classes = labels[shown].bincount(minlength=len(counts))[torch.tensor(counts) > 0]
    assert classes.max() - classes.min() <= 1
    times = shown.bincount(minlength=len(labels))
    for label in range(len(counts)):
        own = times[labels == label]
        assert not len(own) or own.max() - own.min() <= 1


@pytest.mark.parametrize("balance", [None, "loss"])
def test_otherwise_every_image_is_shown_once_in_the_order_there_always_was(balance):
    labels = labels_of([5, 2, 9])
    assert torch.equal(order(labels, balance), torch.randperm(16, generator=torch.Generator().manual_seed(0)))


def test_the_order_is_random_and_repeats():
    labels = labels_of([50, 5])
    assert torch.equal(order(labels, "sample"), order(labels, "sample"))
    assert not torch.equal(order(labels, "sample"), order(labels, "sample", seed=1))
    beginning = labels[order(labels, "sample")[:20]].float().mean()
    assert 0.2 < beginning < 0.8


def test_all_images_of_a_large_class_have_their_turn():
    labels, generator = labels_of([50, 5]), torch.Generator().manual_seed(0)
    seen = torch.cat([epoch_order(labels, "sample", generator) for _ in range(12)]).unique()
    assert len(seen) == 55


@given(COUNTS)
def test_weights_make_classes_equal_and_are_one_on_average(counts):
    labels = labels_of(counts)
    weights = class_weights(labels, len(counts))
    assert weights[labels].mean() == pytest.approx(1, rel=1e-5)
    totals = weights * torch.tensor(counts)
    present = totals[totals > 0]
    assert present.max() == pytest.approx(present.min().item(), rel=1e-5)
