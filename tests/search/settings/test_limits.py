"""Limits on costs: amounts with units, and networks that exceed them."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from search.config import Config
from search.settings.limits import Limits
from search.settings.words import parse
from space import UserError, cost, published
from space.cost.memory import training_memory
from space.cost.table import COSTS

B0 = published("b0").architecture


def test_every_cost_that_can_be_used_has_a_limit():
    assert set(Limits.model_fields) == {*COSTS, "batch"}


def test_amounts_are_written_with_units():
    words = ["limit.params=3M", "limit.macs=0.6G", "limit.size=2MiB", "limit.memory=2GB", "limit.step=0.3s"]
    limit = Config.of(parse(words)).limit
    assert (limit.params, limit.macs, limit.size, limit.memory) == (
        3_000_000,
        600_000_000,
        2 * 2**20,
        2 * 10**9,
    )
    assert limit.step == 300.0


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("limit.params=3X", "limit.params=3X: '3X' is not a valid count"),
        ("limit.step=0", "limit.step=0: 0 is not a valid time"),
        ("limit.latency=5 parsecs", "limit.latency=5 parsecs: '5 parsecs' is not a valid time"),
        ("limit.size=0.5", "limit.size=0.5: 0.5 is not a valid size"),
        ("reward.max_latency_ms=5", "reward.max_latency_ms is called limit.latency now."),
        ("reward.max_params=3e6", "reward.max_params is called limit.params now."),
    ],
)
def test_a_wrong_limit_is_refused(word, says):
    with pytest.raises(UserError) as refused:
        Config.of(parse([word]))
    assert str(refused.value).startswith(says)


def test_the_limit_that_a_network_exceeds_is_named():
    spent = cost(B0)
    limit = Limits(params=6e6, macs=spent.macs, activations=spent.activations)
    assert limit.params == 6_000_000
    assert limit.exceeded(B0) == ""
    assert limit.exceeded(replace(B0, resolution=225)).startswith("macs ")
    assert Limits(params=5_288_547).exceeded(B0) == "params 5,288,548 > limit.params 5,288,547"
    flat = Limits(activations=spent.activations - 1)
    assert flat.exceeded(B0) == "activations 6,747,036 > limit.activations 6,747,035"


def test_the_limit_of_memory_is_for_the_batch():
    held = training_memory(B0, 32)
    assert Limits(memory=held).exceeded(B0) == ""
    assert (
        Limits(memory=held, batch=33).exceeded(B0)
        == f"memory {training_memory(B0, 33):,} > limit.memory {held:,}"
    )


def test_a_limit_on_the_predicted_step_time():
    limit = Limits(step="30ms")
    assert limit.exceeded(B0) == limit.exceeded(B0, {"step": 30.0}) == ""
    assert limit.exceeded(B0, {"step": 30.04}) == "step 30.0 ms > limit.step 30 ms"
    assert Limits().exceeded(B0, {"step": 1e9}) == ""
    with pytest.raises(ValidationError):
        Limits(step=0)
