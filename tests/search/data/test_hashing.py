import numpy as np

from search.data.hashing import chain, uniform


def test_the_generator_is_splitmix64():
    """The first numbers of the reference implementation. Every split and synthetic image rests on them."""
    first = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert chain(np.uint64(0), np.arange(3)).tolist() == first


def test_draws_are_what_they_have_always_been():
    assert uniform(0, "split", 1, np.arange(2)).tolist() == [0.15480964715467915, 0.9517015734689427]


def test_draws_depend_on_the_seed_the_purpose_and_every_counter():
    index = np.arange(50)
    draws = [
        uniform(0, "a", index),
        uniform(1, "a", index),
        uniform(0, "b", index),
        uniform(0, "a", index, 0),
        uniform(0, "a", index, 1),
        uniform(0, "a", index, index),
    ]
    assert len(np.unique(np.concatenate(draws))) == 300 - 2  # (0, 0) and (1, 1) are there twice


def test_uniform_is_uniform():
    draws = uniform(7, "a", np.arange(100_000))
    assert draws.min() >= 0
    assert draws.max() < 1
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert abs(counts - 5000).max() < 350  # 5 standard deviations


def test_neighbours_are_independent():
    draws = uniform(0, "a", np.arange(300)[:, None], np.arange(300))
    for shifted in (draws[1:, :-1], draws[:-1, 1:]):
        assert abs(np.corrcoef(draws[:-1, :-1].ravel(), shifted.ravel())[0, 1]) < 0.02
