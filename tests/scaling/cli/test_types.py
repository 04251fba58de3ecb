from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.cli.types import count, phis
from space import UserError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e9", 2 * 10**9),
        ("12e6", 12 * 10**6),
        ("12M", 12 * 10**6),
        ("2G", 2 * 10**9),
        ("2.5B", 2_500_000_000),
        ("400k", 400_000),
        ("1K", 1000),
        ("1", 1),
        (" 7 ", 7),
        ("0.39T", 390_000_000_000),
    ],
)
def test_counts(text, value):
    assert count(text) == value


@pytest.mark.parametrize("text", ["", "M", "0", "-1", "0.2", "2x", "1e999", "nan", "1,000", "2 GB"])
def test_what_is_no_count_is_refused(text):
    with pytest.raises(UserError, match="is no count; it must be"):
        count(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1..7", (1, 2, 3, 4, 5, 6, 7)),
        ("-1..1:0.5", (-1, -0.5, 0, 0.5, 1)),
        ("0..0.3:0.1", (0, 0.1, 0.2, 0.3)),
        ("-2, 0,.5", (-2, 0, 0.5)),
        ("3", (3,)),
        ("0..1,2.5", (0, 1, 2.5)),
        ("1..1", (1,)),
    ],
)
def test_phis(text, values):
    assert phis(text) == values


@pytest.mark.parametrize(
    "text", ["", "1..", "..3", "3..1", "0..1:0", "0..1:-1", "a", "1;2", "0..1:1e-9", "1..99", "nan"]
)
def test_what_is_no_phi_is_refused(text):
    with pytest.raises(UserError):
        phis(text)


@pytest.mark.parametrize("read", [count, phis])
@settings(max_examples=60)
@given(text=st.text(max_size=12))
def test_any_text_is_read_or_refused(read, text):
    with suppress(UserError):
        assert read(text)
