import sys

import numpy as np
import pytest

from search.data import load, load_test, source_from
from space.refusal import UserError

DIGITS = source_from({"source": "digits"})


def test_all_grey_levels_are_there_and_every_image_is_used_once():
    data, test = load(DIGITS, 8), load_test(DIGITS, 8)
    assert (data.classes, data.channels, data.flip) == (tuple("0123456789"), 1, False)
    assert len(data.train) + len(data.validation) + len(test) == 1797
    assert np.unique(data.train.images).tolist() == [round(255 * level / 16) for level in range(17)]


def test_they_are_scikit_learns():
    from sklearn.datasets import load_digits

    contents, found = DIGITS.open(), load_digits()
    assert np.array_equal(contents.labels, found.target)
    decoded = contents.decode(np.arange(20), 8)
    assert abs(decoded.images[..., 0] / 255 - found.images[:20] / 16).max() < 0.5 / 255


def test_how_to_install_scikit_learn_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UserError, match=r"needs scikit-learn: pip install 'compound-nas\[digits\]'"):
        load(DIGITS, 8)
