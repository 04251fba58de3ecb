import pytest

from search.tables.units import clock, si


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (999.6, "1k"), (385814752, "386M"), (1827141392, "1.83G"), (5.2e13, "52T")],
)
def test_si(value, text):
    assert si(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (123, "2:03"), (3600, "1:00:00"), (36061, "10:01:01")]
)
def test_clock_shows_hours_only_where_there_are_any(seconds, text):
    assert clock(seconds) == text
