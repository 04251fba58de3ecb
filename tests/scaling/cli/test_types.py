from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.cli.types import phis
from space import UserError


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
def test_other_texts_are_refused(text):
    with pytest.raises(UserError):
        phis(text)


@settings(max_examples=60)
@given(text=st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    with suppress(UserError):
        assert phis(text)
