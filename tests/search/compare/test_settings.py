"""The settings of a comparison."""

import pytest

from search.compare.settings import Settings


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("networks", "v2-b0,b0, b0", ("v2-b0", "b0")),
        ("rates", "1,2,1.0", (1.0, 2.0)),
        ("weights", "one,two,one", ("one", "two")),
    ],
)
def test_what_is_listed_twice_counts_once(key, text, values):
    assert getattr(Settings(**{key: text}), key) == values
