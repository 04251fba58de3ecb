from dataclasses import replace
from itertools import product

import pytest
import torch

from space import UserError, build, cost, decode, plan
from space.architecture import decode_stage, encode_stage
from space.network.edo import best, edo

SUPERNET = decode("r24_i8_s1/mb_d2_k7_s2_e4_w12_se0.25/fused_d2_k5_s1_e2_w12/mb_d1_k7_s1_e1_w12/h16_c3")
PAIRS = {7: list(product((1, 2, 3), repeat=2)), 5: list(product((1, 2), repeat=2))}


def restricted(network, pairs):
    """`network` with kernels that are 0 but for a dilated 3 x 3 kernel, another one in each channel."""
    for block in plan(network.architecture)[1:-1]:
        for conv in block.convs:
            if conv.kernel == (1, 1):
                continue
            weight = network.get_submodule(f"{block.name}.{conv.name}.conv").weight
            mask = torch.zeros_like(weight)
            radius = conv.kernel[0] // 2
            for channel in range(conv.width):
                high, wide = pairs[conv.kernel[0]][channel % len(pairs[conv.kernel[0]])]
                for row, column in product((-high, 0, high), (-wide, 0, wide)):
                    mask[channel, :, radius + row, radius + column] = 1
            with torch.no_grad():
                weight.mul_(mask)
    return network


@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_dilations_that_are_there_are_found_and_the_function_stays(padding):
    torch.manual_seed(0)
    supernet = restricted(build(SUPERNET, padding=padding), PAIRS).eval()
    architecture, state = edo(supernet)
    network = build(architecture, padding=padding).eval()
    network.load_state_dict(state)
    x = torch.randn(2, 3, 24, 24)
    with torch.no_grad():
        assert torch.allclose(network(x), supernet(x), atol=1e-5)
    assert architecture.stages[0].dilations.startswith("1x1:")
    assert architecture.stages[-1] == replace(SUPERNET.stages[-1], depth=1)


def test_dilations_are_multiples_of_the_kernels_own():
    torch.manual_seed(0)
    parent = decode("r24_i8_s1/mb_d1_k5_s1_e4_w12_di2/h16_c3")
    supernet = restricted(build(parent), PAIRS).eval()
    architecture, state = edo(supernet)
    network = build(architecture).eval()
    network.load_state_dict(state)
    x = torch.randn(2, 3, 24, 24)
    with torch.no_grad():
        assert torch.allclose(network(x), supernet(x), atol=1e-5)
    assert architecture.stages[0].dilations == "2x2:1+2x4:1+4x2:1+4x4:1"


def test_params_and_macs_are_those_of_the_undilated_network():
    torch.manual_seed(0)
    architecture, state = edo(build(SUPERNET))
    small = [replace(stage, kernel=3) if stage.expand > 1 else stage for stage in SUPERNET.stages]
    assert cost(architecture) == cost(replace(SUPERNET, stages=tuple(small)))
    assert sum(p.numel() for p in build(architecture).parameters()) == cost(architecture).params
    assert decode(str(architecture)) == architecture
    build(architecture).load_state_dict(state)


def test_the_best_dilation_keeps_the_most():
    weight = torch.full((2, 1, 5, 5), 0.1)
    weight[1, 0, 0, 2] = 1.0
    assert best(weight) == [(1, 1), (2, 1)]


def test_equal_dilations_are_written_alike():
    stage = "mb_d1_k3_s1_e4_w24"
    assert encode_stage(decode_stage(f"{stage}_di:2x1:2+1x1:4")) == f"{stage}_di:1x1:2+2x1:1"
    assert decode_stage(f"{stage}_di:2x2:7") == decode_stage(f"{stage}_di2")
    assert decode_stage("mb_d1_k1_s1_e4_w24_di:1x2:1") == decode_stage("mb_d1_k1_s1_e4_w24")
    assert decode_stage("sandglass_d1_k3_s1_e4_w24_di:1x2:1") == decode_stage("sandglass_d1_k3_s1_e4_w24")


@pytest.mark.parametrize("text", ["1x1", "0x1:1", "1x1:1+", "65x1:1", "1x1:0"])
def test_an_invalid_dilation_is_refused(text):
    with pytest.raises(UserError, match=r"is not a group; write 1x1:3\+1x2:1, with dilations of 1 to 64\."):
        decode_stage(f"mb_d1_k3_s1_e4_w24_di:{text}")
