from dataclasses import replace

import pytest
from helpers.strategies import architectures
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search.proxy.proxy import Proxy, fidelity, proxy_architecture, timed
from space import cost, decode, documents, published

PROXIES = st.builds(
    Proxy,
    resolution=st.integers(8, 64),
    width=st.floats(0.1, 2),
    stem_stride=st.sampled_from([1, 2, None]),
)
OWN = Proxy(resolution=224, width=1, stem_stride=None)


class TestProxyArchitecture:
    @given(architectures(), PROXIES, st.integers(2, 100), st.sampled_from([1, 3]))
    def test_fits_the_data_and_the_proxy(self, architecture, proxy, classes, channels):
        small = proxy_architecture(architecture, proxy, classes, channels)
        assert (small.classes, small.channels, small.resolution) == (classes, channels, proxy.resolution)
        assert small.stem.stride == (proxy.stem_stride or architecture.stem.stride)
        assert cost(decode(str(small))) == cost(small)

    @given(architectures(), PROXIES)
    def test_keeps_depths_kernels_and_expansions(self, architecture, proxy):
        small = proxy_architecture(architecture, proxy, 10, 3)
        assert small.depth == architecture.depth
        assert _blocks(small) == _blocks(architecture)

    @given(architectures(), st.floats(0.1, 2), st.floats(0.1, 2))
    def test_wider_costs_no_less(self, architecture, one, other):
        narrow, wide = (
            cost(proxy_architecture(architecture, OWN.model_copy(update={"width": width}), 10, 3))
            for width in sorted((one, other))
        )
        assert narrow.params <= wide.params
        assert narrow.macs <= wide.macs

    def test_can_be_the_network_itself(self):
        network = published("v2-b0").architecture
        assert proxy_architecture(network, OWN, network.classes, 3) == network

    @given(architectures())
    def test_can_leave_the_resolution_to_the_network(self, architecture):
        own = OWN.model_copy(update={"resolution": None})
        assert proxy_architecture(architecture, own, 10, 3).resolution == architecture.resolution

    def test_halves_the_widths_of_the_base_network(self):
        small = proxy_architecture(published("v2-b0").architecture, Proxy(width=0.5, stem_stride=1), 10, 3)
        assert [stage.width for stage in small.stages] == [8, 16, 24, 48, 56, 96]
        assert (small.stem.width, small.stem.stride, small.head.width) == (16, 1, 640)


class TestTimed:
    @given(architectures(), architectures())
    def test_compares_full_networks_at_one_resolution(self, network, reference):
        own, other = timed(network, reference, Proxy(width=0.25), 10, 3)
        assert own == replace(network, classes=10, channels=3)
        assert other == replace(own, stem=other.stem, stages=other.stages, head=other.head)
        assert (other.stages, other.head) == (reference.stages, reference.head)

    @given(architectures(), architectures())
    def test_leaves_resolutions_that_are_compared(self, network, reference):
        pair = timed(network, reference, Proxy(resolution=None), 10, 3)
        assert [one.resolution for one in pair] == [network.resolution, reference.resolution]

    @given(architectures(), architectures(), PROXIES)
    def test_can_be_of_the_proxy_networks(self, network, reference, proxy):
        pair = timed(network, reference, proxy.model_copy(update={"step_pixels": None}), 10, 3)
        assert pair == tuple(proxy_architecture(one, proxy, 10, 3) for one in (network, reference))


class TestFidelity:
    def test_names_what_decides_an_accuracy(self):
        proxies = [
            Proxy(),
            Proxy(epochs=4),
            Proxy(images=500),
            Proxy(width=0.75),
            Proxy(learning_rate=0.3),
            Proxy(precision="float32"),
            Proxy(ema=0.9),
            Proxy(flip_tta=True),
        ]
        assert len({fidelity(proxy, data) for proxy in proxies for data in ("one", "other")}) == 16

    def test_is_what_it_was_before_there_were_averages(self):
        before = Proxy(epochs=4, images=None, validation_images=None)  # the defaults of that time
        assert fidelity(before, "data") == "4599984dd613"

    def test_leaves_the_device_out(self):
        assert fidelity(Proxy(device="cpu"), "data") == fidelity(Proxy(device="cuda:1"), "data")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("resolution", 4),
        ("width", 0),
        ("stem_stride", 3),
        ("epochs", 0),
        ("images", 1),
        ("validation_images", 0),
        ("batch", 1),
        ("learning_rate", 0),
        ("learning_rate", float("inf")),
        ("warmup", 1),
        ("weight_decay", -1e-4),
        ("label_smoothing", 1),
        ("dropout", 1),
        ("shift", -1),
        ("shift", 32),
        ("precision", "float8"),
        ("device", "gpu"),
        ("epoch", 1),
    ],
)
def test_refuses(key, value):
    with pytest.raises(ValidationError):
        Proxy(**{key: value})


def test_without_a_resolution_any_shift_may_fit():
    assert Proxy(resolution=None, shift=40).shift == 40


@pytest.mark.parametrize("name", ["default", "small", "tiny"])
def test_ships(name):
    assert Proxy.model_validate(documents.read("proxy", name))


def test_can_be_raised_to_full_training():
    assert Proxy(resolution=224, width=1, stem_stride=None, epochs=300, drop_path=0.2, dropout=0.2)


def _blocks(architecture):
    return [
        (stage.op, stage.kernel, stage.expand, stage.se, stage.act)
        for stage in architecture.stages
        for _ in range(stage.depth)
    ]
