"""Amounts as people type them."""

import pytest

from search.settings.quantities import count, seconds


@pytest.mark.parametrize("text", ["", "h", "1.2.3h", "3 weeks"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="a time is written like"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2000000", 2_000_000), ("2e9", 2_000_000_000), ("12M", 12_000_000), (" 2.5 G", 2_500_000_000)],
)
def test_counts_are_written_with_prefixes(text, value):
    assert count(text) == value


@pytest.mark.parametrize("text", ["", "M", "0", "-3M", "3X", "1e999"])
def test_what_is_no_count_is_refused(text):
    with pytest.raises(ValueError, match="is not a valid count"):
        count(text)
