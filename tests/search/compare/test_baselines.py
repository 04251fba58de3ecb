import pytest

from search.compare.baselines import TOLERANCE, fitted, rival, rival_by_step
from space import UserError, cost, decode, published

WINNER = decode(
    "r32_i16_s1/fused_d2_k3_s1_e1_w16/fused_d1_k3_s2_e6_w24/mb_d3_k3_s2_e6_w40_se0.25"
    "/mb_d3_k5_s1_e1_w56_se0.25/mb_d1_k5_s2_e1_w96_se0.25/h384_c7"
)
NAMES = ("v2-b0", "b0", "mobilenet-v3-large", "mobilenet-v3-small", "resnet-18")


@pytest.mark.parametrize("name", NAMES)
def test_a_rival_is_as_dear_as_the_winner_on_the_same_images(name):
    found = rival(name, WINNER)
    assert abs(cost(found.architecture).macs / cost(WINNER).macs - 1) <= TOLERANCE
    assert found.equal and found.ratio == cost(found.architecture).macs / cost(WINNER).macs
    network = found.architecture
    assert (network.resolution, network.classes, network.stride) == (32, 7, WINNER.stride)
    original = published(name).architecture
    # All its blocks are there; those that became alike are one stage now.
    assert network.depth == original.depth
    assert network.stages[0].op == original.stages[0].op


def test_on_large_images_a_network_is_left_as_it_is():
    b0, v2 = published("b0").architecture, published("v2-b0").architecture
    assert fitted(b0, v2) == b0


def test_strides_go_from_the_front():
    network = fitted(
        published("resnet-18").architecture, decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/mb_d1_k3_s2_e1_w16/h8_c2")
    )
    assert (network.stem.stride, network.stem.op, network.stem.kernel) == (1, "conv", 3)
    assert [stage.stride for stage in network.stages] == [1, 1, 2, 2]


def test_step_times_can_be_made_equal():
    """On a device on which b0 takes three times what its multiply-adds say."""
    measured = []

    def ratio(network, winner):
        measured.append(network)
        return 3 * cost(network).macs / cost(winner).macs

    found = rival_by_step("b0", WINNER, ratio)
    assert found.equal and found.ratio == ratio(found.architecture, WINNER)
    assert len(measured) < 7


def test_what_cannot_be_as_cheap_is_the_nearest_there_is():
    tiny = decode("r32_i1_s1/mb_d1_k3_s2_e1_w1/mb_d1_k3_s2_e1_w1/h1_c2")
    found = rival("v2-s", tiny)
    assert not found.equal and found.ratio > 1
    assert found.divisor == 1


def test_refuses_what_is_not_published():
    with pytest.raises(UserError, match="resnet-18"):
        rival("resnet-19", WINNER)
