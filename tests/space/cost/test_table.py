import math

import pytest
from helpers.strategies import architectures
from hypothesis import given
from hypothesis import strategies as st

from space import UserError, build, cost, published
from space.cost.memory import training_memory
from space.cost.table import (
    COSTS,
    EXACT,
    cost_row,
    count,
    exact_cost,
    milliseconds,
    parse_amount,
    size,
)

COUNT_SUFFIXES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
SIZE_SUFFIXES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "M": 10**6, "G": 10**9}
SIZE_SUFFIXES |= {"kiB": 2**10, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
TIME_SUFFIXES = {"": 1, "ms": 1, "s": 1000, "us": 0.001, "µs": 0.001, "min": 60_000}


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (count, "200k", 200_000),
        (count, "14M", 14_000_000),
        (count, "2e9", 2_000_000_000),
        (size, "500kB", 500_000),
        (size, "2 MiB", 2_097_152),
        (size, "2GB", 2_000_000_000),
        (milliseconds, "300ms", 300),
        (milliseconds, "5 ms", 5),
        (milliseconds, "0.005s", 5),
        (milliseconds, "800us", 0.8),
    ],
)
def test_amounts_with_units(parse, text, value):
    assert parse(text) == value


@given(st.integers(1, 10**6), st.sampled_from(sorted(COUNT_SUFFIXES)), st.sampled_from(["", " "]))
def test_every_suffix_of_a_count(number, suffix, gap):
    assert count(f"{number}{gap}{suffix}") == number * COUNT_SUFFIXES[suffix]


@given(st.integers(1, 10**6), st.sampled_from(sorted(SIZE_SUFFIXES)), st.sampled_from(["", " "]))
def test_every_suffix_of_a_size(number, suffix, gap):
    assert size(f"{number}{gap}{suffix}") == number * SIZE_SUFFIXES[suffix]


@given(st.integers(1, 10**6), st.sampled_from(sorted(TIME_SUFFIXES)), st.sampled_from(["", " "]))
def test_every_suffix_of_a_time(number, suffix, gap):
    assert milliseconds(f"{number}{gap}{suffix}") == pytest.approx(number * TIME_SUFFIXES[suffix])


@given(
    st.sampled_from(list(COSTS)), st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none())
)
def test_a_value_is_a_positive_number_or_one_line(name, value):
    try:
        amount, refusal = parse_amount(name, value), ""
    except UserError as error:
        amount, refusal = 1, str(error)
    assert 0 < amount < math.inf
    assert parse_amount(name, amount) == amount
    assert not refusal or (refusal.startswith(f"{name}: ") and "\n" not in refusal)


@pytest.mark.parametrize("parse", [count, size, milliseconds])
@pytest.mark.parametrize(
    "value", ["", "0", "-1", "k", "1x", "1 2", "nan", "inf", "1e999", "14m", True, None, [1], math.nan, -3]
)
def test_anything_else_is_refused(parse, value):
    with pytest.raises(UserError):
        parse(value)


def test_the_wording_of_a_refusal():
    with pytest.raises(UserError) as refused:
        parse_amount("params", "14m")
    assert str(refused.value) == (
        "params: '14m' is not a valid count; write a number from 1 up, such as 200k, 14M or 2e9."
    )


@given(architectures())
def test_exact_costs_are_those_of_the_architecture(architecture):
    total = cost(architecture)
    assert [exact_cost(name, architecture) for name in ("params", "size", "macs", "activations")] == [
        total.params,
        total.size,
        total.macs,
        total.activations,
    ]
    assert exact_cost("memory", architecture, 8) == training_memory(architecture, 8)


@pytest.mark.parametrize("name", ["b0", "shufflenet-v2-0.5", "xception", "mobilenet-v3-small"])
def test_the_size_is_that_of_the_weights_after_batch_norm_is_folded(name):
    """Every normalisation follows a convolution without bias, whose bias it becomes: half of its parameters go."""
    import torch

    architecture = published(name).architecture
    network = build(architecture)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    params = sum(parameter.numel() for parameter in network.parameters())
    assert cost(architecture).size == 4 * (params - sum(norm.num_features for norm in norms))


def test_the_table_is_keyed_by_name_and_its_columns_are_distinct():
    assert list(COSTS) == ["params", "size", "macs", "activations", "memory", "step", "latency"]
    assert all(row.name == name for name, row in COSTS.items())
    assert len({row.column for row in COSTS.values()}) == len(COSTS)
    assert tuple(name for name, row in COSTS.items() if row.compute) == EXACT


@pytest.mark.parametrize(("name", "nearest"), [("parms", "params"), ("latencies", "latency")])
def test_a_cost_that_cannot_be_used_is_refused(name, nearest):
    with pytest.raises(UserError, match=f"^Unknown cost '{name}'.*{nearest}"):
        cost_row(name)


def test_a_cost_that_needs_a_device_is_not_computed():
    with pytest.raises(UserError, match="step is not known from the architecture alone"):
        exact_cost("step", published("b0").architecture)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("params", 5_288_548, "5,288,548"),
        ("size", 21_070_160, "21.1 MB"),
        ("memory", 2e9, "2 GB"),
        ("memory", 500, "500 B"),
        ("size", 999_400, "999 kB"),
        ("size", 999_600, "1 MB"),
        ("size", 999_999_999, "1 GB"),
        ("step", 301.46, "301.5 ms"),
        ("step", 0.8, "0.8 ms"),
    ],
)
def test_values_in_sentences(name, value, text):
    assert COSTS[name].text(value) == text
