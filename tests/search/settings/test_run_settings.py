import pytest
from pydantic import ValidationError

from search.settings.run_settings import RunSettings, split

BLOCKS = "r1_k3_s11_e1_i32_o16_se0.25,r2_k3_s22_e6_i16_o24_se0.25"
TIMM = "uir_r1_a3_k5_s2_e4_c24,ds_r1_k3_s1_c16_se0.25"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ()),
        ("", ()),
        ("v2-b0", ("v2-b0",)),
        ("v2-b0, RUN:12,", ("v2-b0", "RUN:12")),
        (["v2-b0", "b0"], ("v2-b0", "b0")),
        ("r32_i16/mb_d1_k3_s1_e1_w8/h8_c10", ("r32_i16/mb_d1_k3_s1_e1_w8/h8_c10",)),
        (f"{BLOCKS}, v2-b0,{TIMM},", (BLOCKS, "v2-b0", TIMM)),
    ],
)
def test_networks_to_try_first_are_separated_by_commas(value, words):
    assert RunSettings(first=value).first == tuple(split(value)) == words


@pytest.mark.parametrize("seed", ["7,v2-b0", "v2-b0", [7, "v2-b0"]])
def test_a_seed_is_a_number_only(seed):
    with pytest.raises(ValidationError, match="for networks to try first, write first=v2-b0,RUN:12"):
        RunSettings(seed=seed)
