import pytest

from search.tables.units import clock, one_line, plural, si, times_as_many


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


def test_plural():
    assert [plural(count, "trial") for count in (0, 1, 2, 1234)] == [
        "0 trials",
        "1 trial",
        "2 trials",
        "1,234 trials",
    ]


@pytest.mark.parametrize(
    ("ours", "text"),
    [
        (100, "108 times fewer"),
        (1, "10,800 times fewer"),
        (10_800, "about as many"),
        (27_000, "2.5 times as many"),
    ],
)
def test_ratios_are_stated_in_words(ours, text):
    assert times_as_many(ours, 10_800, "params") == f"{text} params"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("caf\u00e9 |<b>", "caf\u00e9 |<b>"),
        ("new\nline", r"new\nline"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202etxt", r"\u202etxt"),
        ("\udce9", r"\udce9"),
        ("", ""),
    ],
)
def test_unprintable_characters_are_escaped(text, line):
    assert one_line(text) == line
