"""Amounts as people type them."""

import pytest

from search.settings.quantities import seconds


@pytest.mark.parametrize("text", ["", "h", "1.2.3h", "3 weeks"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="a time is written like"):
        seconds(text)
