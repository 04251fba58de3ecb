"""The precision of a search."""

import pytest

from search.engine.outlook import chance


def test_chance_is_the_half_width_for_two_accuracies_of_a_half():
    assert chance(480) == pytest.approx(0.0633, abs=1e-4)
    assert chance(4) > 0.5
