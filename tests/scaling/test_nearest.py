import pytest

from scaling import differences, nearest, scale
from scaling.nearest import near
from space import CATALOG, decode, published


@pytest.mark.parametrize("name", CATALOG)
def test_a_published_network_is_nearest_to_itself(name):
    row = published(name)
    assert nearest(row.architecture) == row
    assert differences(row.architecture, row) == ()


def test_phi_1_is_b2_but_for_2_pixels():
    made = scale("b0", 1).architecture
    assert nearest(made).name == "b2"
    assert differences(made, published("b2")) == ("resolution 258 (260 in b2)",)


def test_differences_name_every_part():
    made = scale("b0", 3).architecture
    assert nearest(made).name == "b4"
    assert differences(made, published("b4")) == (
        "resolution 341 (380 in b4)",
        "stem 40 (48 in b4)",
        "stages.3 width 104 (112 in b4)",
        "stages.4 width 152 (160 in b4)",
        "stages.5 depth 7 (8 in b4), width 256 (272 in b4)",
        "stages.6 width 424 (448 in b4)",
        "head 1704 (1792 in b4)",
    )


def test_the_hand_made_part_of_v2_m_is_named():
    made = scale("v2-b0", 4.2, rule="v2").architecture
    assert nearest(made).name == "v2-m"
    assert "stages.6 mb_d5_k3_s1_e6_w512_se0.25 only in v2-m" in differences(made, published("v2-m"))
    assert any(
        "not in v2-b0" in line for line in differences(published("v2-m").architecture, published("v2-b0"))
    )


def test_another_kind_of_network_is_compared_by_cost():
    own = decode("r32_i16_s1/mb_d2_k7_s2_e6_w24/h64_c10")
    found = differences(own, nearest(own))
    assert any(line.startswith("stages.0 mb_d2_k7_s2_e6_w24, in ") for line in found)
    assert any(line.startswith("classes 10 (") for line in found)


def test_differences_beyond_depth_and_width_are_named():
    row = published("b0")
    grey = decode(str(row.architecture).replace("r224_i32", "r224_i32_x1"))
    assert differences(grey, row) == (f"canonical string {row.architecture} in b0",)


def test_a_published_network_is_named_only_where_one_is_near():
    assert near(CATALOG["v2-s"].architecture).name == "v2-s"
    tiny = decode("r32_i8_s1/mb_d1_k3_s2_e2_w8/h16_c3")
    assert near(tiny) is None
