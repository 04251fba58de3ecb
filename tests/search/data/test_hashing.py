import numpy as np

from search.data.hashing import bits, uniform


def test_bits_are_splitmix64():
    """The first numbers of the reference implementation. Every split and synthetic image rests on them."""
    assert bits(0, np.arange(3)).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_draws_depend_on_every_counter():
    index = np.arange(50)
    draws = [
        uniform(0, index),
        uniform(1, index),
        uniform(0, index, 0),
        uniform(0, index, 1),
    ]
    assert len(np.unique(np.concatenate(draws))) == 200


def test_uniform_is_uniform():
    draws = uniform(7, np.arange(100_000))
    assert draws.min() >= 0
    assert draws.max() < 1
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert abs(counts - 5000).max() < 350  # 5 standard deviations


def test_neighbours_are_independent():
    draws = uniform(0, np.arange(300)[:, None], np.arange(300))
    for shifted in (draws[1:, :-1], draws[:-1, 1:]):
        assert abs(np.corrcoef(draws[:-1, :-1].ravel(), shifted.ravel())[0, 1]) < 0.02
