import random

import pytest

from space import CATALOG, Space, UserError, decode
from space.choices.around import around
from space.choices.loading import load_space

SMALL = decode("r32_i16_s1_relu6/dw_d1_k3_s1_w24_relu6/dw_d1_k3_s2_w104_relu6/dw_d5_k3_s2_w208_relu6/h0_c10")


@pytest.mark.parametrize(
    "name",
    [
        *("mobilenet-v1", "v2-b0", "mobilenet-v3-small", "mobilenet-v4-conv-small", "shufflenet-v1-1.0-g3"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in CATALOG),
    ],
)
def test_every_published_network_is_in_the_space_around_it(name):
    network = CATALOG[name].architecture
    assert Space.of(around(network)).find(network) is not None


def test_stages_have_choices_around_their_own_values():
    document = around(SMALL)
    first, second, third = document["stages"]
    assert first == {
        "op": ["fused", "dw", {"mb": {"se": [0, 0.25]}}],
        "expand": [1, 2, 4],
        "depth": [0, 1, 2, 3],
        "stride": 1,
        "width": [16, 24, 32, 48],
        "act": ["relu6", "silu"],
        "kernel": [3, 5],
    }
    assert (second["depth"], second["width"]) == ([1, 2, 3], [48, 80, 104, 160, 208])
    assert (third["depth"], third["stride"]) == ([1, 3, 5, 7, 9], 2)
    assert document["stem"]["width"] == [8, 16, 24, 32]
    assert document["head"]["width"] == [0, 208]


def test_fields_and_kernels_that_few_blocks_have_stay_with_the_stages_own_block():
    network = decode(
        "r32_i16_s1_relu/mb_d1_k3_s1_e6_w16_se0.5_relu/uib_d1_k0_s1_e4_w16_a3_relu/h64_c10_hardswish"
    )
    first, second = around(network)["stages"]
    assert first["op"][2] == {"mb": {"se": [0, 0.25, 0.5]}}
    assert first["expand"] == [1, 2, 4, 6]
    assert second["op"] == [
        {"fused": {"kernel": 3}},
        {"dw": {"kernel": 3}},
        {"mb": {"se": [0, 0.25], "kernel": 3}},
        {"uib": {"start": [3], "kernel": 0}},
    ]
    assert around(network)["head"]["width"] == [0, 32, 48, 64, 96, 128]


def test_a_hidden_layer_keeps_its_activation():
    network = decode("r32_i16/mb_d1_k3_s2_e1_w16/h0_f64_c10_hardswish")
    assert Space.of(around(network)).find(network) is not None


def test_random_networks_keep_strides_images_and_classes():
    space, rng = Space.of(around(SMALL)), random.Random(0)
    for _ in range(50):
        network = space.at(space.sample(rng))
        assert (network.resolution, network.stride, network.classes) == (32, SMALL.stride, 10)


def test_factors_and_places_are_settings():
    space = load_space(f"around:{SMALL}", {"widths": [1, 3], "stages.1.kernel": 3})
    assert {stage.width for stage in space.stages[0]} == {24, 72}
    assert {stage.kernel for stage in space.stages[1]} == {3}
    assert load_space("around:b0").name == "around-b0"


@pytest.mark.parametrize("value", [0, -1, "wide", [1, 0]])
def test_a_factor_that_is_no_positive_number_is_refused(value):
    with pytest.raises(
        UserError, match=r"space\.widths has .*; a factor of the network's widths is above 0\."
    ):
        load_space("around:b0", {"widths": value})


def test_a_word_that_names_no_network_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"space=around:NETWORK 'v2-b9'. Did you mean 'v2-b"):
        load_space("around:v2-b9")
