"""The exchange rate between accuracy and costs."""

import math
from dataclasses import replace

import pytest

from search.config import Config
from search.proxy.evaluate import Result
from search.reward import REWARDS
from search.runs.exchange import edges, exchange, spans
from search.trials.records import Record
from search.trials.trial import trial_from_record
from space import Space, cost

SPACE = Space.load("tiny_space")
NETWORKS = sorted({SPACE.at(point) for point in SPACE.points()}, key=lambda n: cost(n).params)
REWARD = REWARDS["effv2"](reward="effv2", w=0)


def trials(slope, networks, reward=REWARD):
    """Trials whose accuracy is a power of their parameters."""
    unit = cost(networks[0]).params
    found = []
    for number, network in enumerate(networks):
        accuracy = 0.3 * (cost(network).params / unit) ** slope
        result = Result(accuracy, 1.0, 1, 10, 1.0, 1.0, (1.0,))
        record = Record(number, network.digest, str(network), 0, (), "complete", 1, "", 0.0, 1.0, result)
        found.append(trial_from_record(record, reward, networks[0]))
    return found


def test_the_rate_that_the_trials_have_is_found_and_compared_with_the_rewards():
    networks = NETWORKS[:: len(NETWORKS) // 10]
    found = exchange(trials(0.02, networks), REWARD)
    (rate,) = found.rates
    assert (rate.slope, rate.low, rate.high) == pytest.approx((0.02, 0.02, 0.02))
    assert rate.asked == pytest.approx(0.05)
    assert found.scale == pytest.approx(0.02 / 0.05)
    assert "doubled params bought +1.4% accuracy" in str(rate)
    assert str(rate).endswith("the reward asks for +3.5%")


def test_below_six_non_dominated_trials_there_is_no_rate():
    assert exchange(trials(0.02, NETWORKS[::60][:5]), REWARD) is None
    assert exchange(trials(-0.02, NETWORKS[::20]), REWARD) is None
    assert exchange(trials(0.02, NETWORKS[::20]), REWARDS["accuracy"](reward="accuracy")) is None


def test_the_span_of_a_cost_and_the_ratio_that_outweighs_it():
    config = replace(Config.of({"space": "tiny_space"}), reward=REWARD)
    (span,) = spans(config)
    low, high = SPACE.range.params
    assert (span.cost, span.low, span.high) == ("params", low, high)
    assert span.ratio == pytest.approx((high / low) ** 0.05)
    assert math.isclose(span.ratio, (high / low) ** 0.05)


def test_leaders_at_an_edge_of_the_space_are_warned_of():
    config = Config.of({"space": "tiny_space", "reward.w": 0})
    low = SPACE.range.params[0]
    smallest = [network for network in NETWORKS if cost(network).params <= 1.2 * low]
    (small,) = edges(trials(-0.5, (smallest * 5)[:5]), config)
    assert small.startswith("warning: the 5 best are within 20% of the smallest network of the space")
    (large,) = edges(trials(1, NETWORKS[-5:]), config)
    assert "largest network" in large
    assert not list(edges(trials(1, NETWORKS[len(NETWORKS) // 2 :][:5]), config))
