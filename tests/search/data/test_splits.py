import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search.data.splits import held_out, interleaved

SEEDS = st.integers(0, 2**32)


@st.composite
def labels(draw: st.DrawFn) -> np.ndarray:
    """Shuffled labels of 1 to 6 classes with 2 to 40 images each."""
    counts = draw(st.lists(st.integers(2, 40), min_size=1, max_size=6))
    every = np.repeat(np.arange(len(counts)), counts)
    return np.array(draw(st.permutations(every.tolist())), dtype=np.int64)


@given(labels(), st.floats(0.01, 0.99), SEEDS)
def test_each_class_is_on_both_sides_in_its_proportion(labels, fraction, seed):
    held = held_out(labels, fraction, seed)
    assert held.shape == labels.shape  # a mask: the two sides are disjoint, and together they are all
    wanted = np.bincount(labels) * fraction
    taken = np.bincount(labels[held], minlength=len(wanted))
    assert (abs(taken - wanted) < 1).all()
    assert (taken >= 1).all()
    assert (np.bincount(labels[~held], minlength=len(wanted)) >= 1).all()


@given(labels(), SEEDS)
def test_the_same_seed_gives_the_same_split(labels, seed):
    assert np.array_equal(held_out(labels, 0.3, seed), held_out(labels, 0.3, seed))
    assert np.array_equal(interleaved(labels, seed), interleaved(labels, seed))


def test_another_seed_gives_another_split():
    labels = np.arange(200) % 4
    splits = {held_out(labels, 0.3, seed).tobytes() for seed in range(20)}
    assert len(splits) == 20


def test_every_image_is_held_out_by_some_seed_about_as_often():
    labels = np.arange(40) % 2
    times = sum(held_out(labels, 0.25, seed).astype(int) for seed in range(400))
    assert times.min() > 60
    assert times.max() < 145  # of 400 times 0.25, 5 standard deviations


def test_a_class_of_one_stays_with_the_others():
    assert not held_out(np.array([0, 0, 0, 1]), 0.9, 0)[3]


@given(labels(), SEEDS)
def test_an_order_is_a_permutation_whose_beginnings_are_stratified(labels, seed):
    order = interleaved(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    share = np.bincount(labels) / len(labels)
    for end in range(1, len(labels)):
        taken = np.bincount(labels[order[:end]], minlength=len(share))
        assert (abs(taken - end * share) <= 1 + len(share) * share).all()


def test_an_order_does_not_repeat_the_classes_in_turn():
    labels = np.arange(100) % 5
    rounds = labels[interleaved(labels, 0)].reshape(20, 5)
    assert len({tuple(row) for row in rounds.tolist()}) > 10
