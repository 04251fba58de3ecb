"""The classes of images get the numbers that the model has for them."""

import pytest

from search.evaluation.images import _numbers
from search.models.model import numbered

SORTED = tuple(sorted(numbered(11)))


@pytest.mark.parametrize(
    ("theirs", "ours", "numbers"),
    [
        (SORTED, numbered(11), [0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9]),
        (numbered(11), SORTED, [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2]),
        (numbered(2), ("cat", "dog"), [0, 1]),
        (("cat", "dog"), numbered(2), [0, 1]),
        (("dog",), ("cat", "dog"), [1]),
    ],
)
def test_classes_match_by_name_and_by_order_only_where_one_side_has_other_names(theirs, ours, numbers):
    assert _numbers(theirs, ours, strict=True).tolist() == numbers
