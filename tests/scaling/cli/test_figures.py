import pytest

from scaling import RULES, resolve
from scaling.cli.figures import cost_curves
from space import UserError


def test_two_files_that_do_not_change(tmp_path):
    ways = [{"rule": RULES["compound"]}, {"rule": RULES["shrink"]}]
    first = cost_curves(resolve("b0"), (0, 2), ways, tmp_path / "curves.png")
    assert first == (tmp_path / "curves.png", tmp_path / "curves.svg")
    assert first[0].read_bytes().startswith(b"\x89PNG")
    second = cost_curves(resolve("b0"), (0, 2), ways, tmp_path / "again")
    assert second[1].read_text() == first[1].read_text()
    assert "<svg" in second[1].read_text()


def test_a_range_without_a_curve_is_refused(tmp_path):
    with pytest.raises(UserError, match="No rule can be drawn from phi = 1 to 3"):
        cost_curves(resolve("b0"), (1, 3), [{"rule": RULES["shrink"]}], tmp_path / "curves")
    assert not list(tmp_path.iterdir())
