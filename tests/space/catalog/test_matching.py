import pytest

from space import UserError, cost, decode, published
from space.catalog.matching import GAP, NARROWEST, Match, adapt, match_of, measured_rival, narrowest, rival
from space.cost.table import exact_cost

LEAD = decode(
    "r32_i16_s1/fused_d2_k3_s1_e1_w16/fused_d1_k3_s2_e6_w24/mb_d3_k3_s2_e6_w40_se0.25"
    "/mb_d3_k5_s1_e1_w56_se0.25/mb_d1_k5_s2_e1_w96_se0.25/h384_c7"
)
NAMES = (
    *("mobilenet-v4-conv-small", "mobilenet-v3-small", "mobilenet-v3-large", "mobilenet-v1"),
    *("b0", "v2-b0", "shufflenet-v2-1.0", "resnet-18"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_rival_is_the_largest_of_its_kind_within_the_cost(name):
    one = rival(name, LEAD, match_of(LEAD, ["macs"], exact_cost))
    network = one.architecture
    assert one.share == cost(network).macs / cost(LEAD).macs
    assert 1 - GAP <= one.share < 1.1
    assert (network.resolution, network.classes, network.stride) == (32, 7, LEAD.stride)
    assert narrowest(network) >= NARROWEST and narrowest(network) % 4 == 0
    assert network.stages[0].op == published(name).architecture.stages[0].op


def test_a_rival_is_within_every_cost():
    both = match_of(LEAD, ["params", "macs"], exact_cost)
    one = rival("resnet-18", LEAD, both)
    assert one.share == max(
        cost(one.architecture).params / cost(LEAD).params, cost(one.architecture).macs / cost(LEAD).macs
    )
    assert 1 - GAP <= one.share <= 1


@pytest.mark.parametrize("bias", [0.6, 0.97, 1.0, 1.4])
@pytest.mark.parametrize("name", NAMES)
def test_a_rival_is_found_with_few_measurements_by_biased_estimates(name, bias):
    measured: set[str] = set()

    def measure(cost_name, network):
        measured.add(str(network))
        return exact_cost(cost_name, network)

    match = match_of(LEAD, ["macs"], measure)

    def guess(cost_name, network):
        # Wrong by a factor, and the more so the deeper the network is.
        return bias * exact_cost(cost_name, network) * (1 + network.depth / 50)

    one = measured_rival(name, LEAD, match, guess)
    assert one.share == cost(one.architecture).macs / cost(LEAD).macs
    assert 1 - 2 * GAP <= one.share <= 1
    assert len(measured) <= 1 + 6


def test_a_rival_with_estimates_that_are_true_is_the_same():
    match = match_of(LEAD, ["params", "macs"], exact_cost)
    for name in NAMES:
        assert measured_rival(name, LEAD, match, exact_cost) == rival(name, LEAD, match)


@pytest.mark.parametrize(("limit", "depth", "last"), [(50e6, 7, 848), (55e6, 11, 628)])
def test_width_alone_fills_the_cost_at_the_depth_for_which_it_changes_less(limit, depth, last):
    one = rival("mobilenet-v1", LEAD, Match({"macs": limit}, exact_cost))
    assert 0 <= one.left <= GAP
    assert (one.architecture.depth, one.architecture.stages[-1].width) == (depth, last)


def test_the_widths_of_a_strict_rival_are_multiples_of_8():
    for limit in (20e6, 35e6, 50e6, 100e6):
        one = rival("mobilenet-v1", LEAD, Match({"macs": limit}, exact_cost, strict=True)).architecture
        assert {stage.width % 8 for stage in one.stages} | {one.stem.width % 8} == {0}


def test_the_next_larger_one_stands_for_a_rival_that_leaves_too_much():
    match = match_of(LEAD, ["blocks"], lambda name, network: 10.9 if network == LEAD else network.depth)
    one = rival("b0", LEAD, match)
    assert one.share == one.architecture.depth / 10.9 > 1
    assert one.left == 1 - one.share


def test_a_rival_that_would_need_narrow_layers_is_left_out():
    small = decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/h16_c7")
    assert rival("v2-b0", small, match_of(small, ["macs"], exact_cost)) is None


def test_a_larger_network_gets_a_rival_above_its_published_size():
    large = decode("r32_i64_s1/basic_d2_k3_s1_w256/basic_d4_k3_s2_w512/basic_d4_k3_s2_w1024/h0_c7")
    one = rival("mobilenet-v3-small", large, match_of(large, ["params"], exact_cost))
    assert one.phi > 0 and 1 - GAP <= one.share < 1.1


def test_on_large_images_a_network_stays_unchanged():
    b0, v2 = published("b0").architecture, published("v2-b0").architecture
    assert adapt(b0, v2) == b0


def test_strides_go_from_the_front():
    network = adapt(
        published("resnet-18").architecture, decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/mb_d1_k3_s2_e1_w16/h8_c2")
    )
    assert (network.stem.stride, network.stem.op, network.stem.kernel) == (1, "conv", 3)
    assert [stage.stride for stage in network.stages] == [1, 1, 2, 2]


def test_unpublished_names_are_refused():
    with pytest.raises(UserError, match="resnet-18"):
        rival("resnet-19", LEAD, match_of(LEAD, ["macs"], exact_cost))


def test_a_strict_rival_stays_within_the_costs():
    loose, strict = (
        rival("mobilenet-v1", LEAD, Match({"params": 16_000}, exact_cost, strict)) for strict in (False, True)
    )
    assert strict.share < 1 - GAP and loose.share > 1
