import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from space.conv import Conv, Step, conv
from space.network.modules import step_module

CONVS = st.builds(
    lambda groups, per_in, per_out, **rest: Conv(
        "c", groups * per_in, groups * per_out, groups=groups, **rest
    ),
    groups=st.integers(1, 3),
    per_in=st.integers(1, 4),
    per_out=st.integers(1, 4),
    kernel=st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 7])),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    padding=st.sampled_from(["same", "valid"]),
    bias=st.booleans(),
    norm=st.booleans(),
)


@given(CONVS, st.integers(13, 30), st.integers(13, 30))
@settings(deadline=None)
def test_sizes_params_and_macs_are_those_of_torch(planned, height, width):
    pads = tuple(planned.dilation * (k - 1) // 2 for k in planned.kernel)
    with torch.device("meta"):
        layer = torch.nn.Conv2d(
            planned.width_in,
            planned.width,
            planned.kernel,
            planned.stride,
            pads if planned.padding == "same" else 0,
            planned.dilation,
            planned.groups,
            planned.bias,
        )
        norm = torch.nn.BatchNorm2d(planned.width)
        out = layer(torch.empty(1, planned.width_in, height, width))
    assert tuple(out.shape) == (1, planned.width, *planned.size(height, width))
    params = sum(p.numel() for p in layer.parameters())
    assert planned.params == params + planned.norm * sum(p.numel() for p in norm.parameters())
    assert planned.macs(*out.shape[2:]) == out.numel() * layer.weight[0].numel()


@pytest.mark.parametrize("size", range(1, 20))
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_same_padding_rounds_up(size, kernel):
    assert conv("c", 1, 1, kernel, stride=2).size(size, size) == ((size + 1) // 2,) * 2


def test_a_square_convolution_by_hand():
    stem = conv("stem", 3, 32, 3, stride=2, act="silu")
    assert stem.kernel == (3, 3)
    assert stem.params == 3 * 3 * 3 * 32 + 2 * 32
    assert stem.size(224, 225) == (112, 113)
    assert stem.macs(112, 112) == 112 * 112 * 3 * 3 * 3 * 32


@pytest.mark.parametrize("padding", ["same", "symmetric", "valid", "ceil"])
@pytest.mark.parametrize("kernel", [2, 3])
def test_sizes_of_pooling_are_those_of_torch(kernel, padding):
    if (kernel, padding) == (2, "symmetric"):
        return  # Planned for odd kernels only.
    pool = Step("pool", "max", 1, kernel, 2, padding)
    for size in range(3, 40):
        out = step_module(pool)(torch.zeros(1, 1, size, size + 1))
        assert tuple(out.shape[2:]) == pool.size(size, size + 1)
