import pytest

from search.settings.run_settings import started
from space import UserError


@pytest.mark.parametrize(
    ("seed", "told_apart"),
    [
        (3, (3, ())),
        ("3", (3, ())),
        ("v2-b0", (0, ("v2-b0",))),
        ("7, v2-b0,RUN:12", (7, ("v2-b0", "RUN:12"))),
        (["v2-b0", 7], (7, ("v2-b0",))),
        ("r32_i16/mb_d1_k3_s1_e1_w8/h8_c10", (0, ("r32_i16/mb_d1_k3_s1_e1_w8/h8_c10",))),
        ("", (0, ())),
    ],
)
def test_a_number_and_networks_are_told_apart(seed, told_apart):
    assert started(seed) == told_apart


def test_a_second_number_is_refused():
    with pytest.raises(UserError, match="one number is for the random draws"):
        started("1,2")
