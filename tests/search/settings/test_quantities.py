"""Amounts as people type them."""

import pytest

from search.settings.quantities import seconds


@pytest.mark.parametrize("text", ["", "h", "1.2.3h", "3 weeks", "1h30", "2d5", "10m30"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="a time is written like"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), (" 1.5 ", 1.5), ("90s", 90), ("1h30m", 5400), ("2d", 172800), ("1h5s", 3605)],
)
def test_times_are_numbers_with_units_or_one_of_seconds(text, expected):
    assert seconds(text) == expected
