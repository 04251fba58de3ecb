import pytest

from search.compare.baselines import TOLERANCE, adapt, baseline, baseline_by_step
from space import UserError, cost, decode, published

WINNER = decode(
    "r32_i16_s1/fused_d2_k3_s1_e1_w16/fused_d1_k3_s2_e6_w24/mb_d3_k3_s2_e6_w40_se0.25"
    "/mb_d3_k5_s1_e1_w56_se0.25/mb_d1_k5_s2_e1_w96_se0.25/h384_c7"
)
NAMES = ("v2-b0", "b0", "mobilenet-v3-large", "mobilenet-v3-small", "resnet-18")


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_costs_as_much_as_the_winner_on_the_same_images(name):
    adapted = baseline(name, WINNER)
    network = adapted.architecture
    assert abs(cost(network).macs / cost(WINNER).macs - 1) <= TOLERANCE
    assert adapted.equal and adapted.ratio == cost(network).macs / cost(WINNER).macs
    assert (network.resolution, network.classes, network.stride) == (32, 7, WINNER.stride)
    original = published(name).architecture
    # No block is lost; stages that became alike are merged.
    assert network.depth == original.depth
    assert network.stages[0].op == original.stages[0].op


def test_on_large_images_a_network_stays_unchanged():
    b0, v2 = published("b0").architecture, published("v2-b0").architecture
    assert adapt(b0, v2) == b0


def test_strides_go_from_the_front():
    network = adapt(
        published("resnet-18").architecture, decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/mb_d1_k3_s2_e1_w16/h8_c2")
    )
    assert (network.stem.stride, network.stem.op, network.stem.kernel) == (1, "conv", 3)
    assert [stage.stride for stage in network.stages] == [1, 1, 2, 2]


def test_step_times_can_be_made_equal():
    """b0 takes three times the time of its multiply-adds here."""
    measured = []

    def ratio(network, winner):
        measured.append(network)
        return 3 * cost(network).macs / cost(winner).macs

    network = baseline_by_step("b0", WINNER, ratio)
    assert network.equal and network.ratio == ratio(network.architecture, WINNER)
    assert len(measured) < 7


def test_the_nearest_cost_is_taken_where_none_is_equal():
    tiny = decode("r32_i1_s1/mb_d1_k3_s2_e1_w1/mb_d1_k3_s2_e1_w1/h1_c2")
    network = baseline("v2-s", tiny)
    assert not network.equal and network.ratio > 1
    assert network.divisor == 1


def test_unpublished_names_are_refused():
    with pytest.raises(UserError, match="resnet-18"):
        baseline("resnet-19", WINNER)
