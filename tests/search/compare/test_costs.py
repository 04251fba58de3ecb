import json
from types import SimpleNamespace

import pytest

from search.compare.costs import Costs, matched_costs
from search.config import Config
from search.proxy.proxy import Proxy
from space import UserError, cost, decode
from space.timing.ratio import StepTime

ONE, OTHER = decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/h8_c2"), decode("r32_i8_s1/mb_d2_k3_s2_e1_w8/h8_c2")


@pytest.mark.parametrize(
    ("match", "settings", "names"),
    [
        ("params, macs", {}, ("params", "macs")),
        (None, {"limit.params": "200k", "limit.memory": "2GB"}, ("params", "memory")),
        (None, {"reward.w": 0}, ("params",)),
        ("latency", {}, ("latency",)),
    ],
)
def test_networks_are_equal_in_limits_then_in_the_reward(match, settings, names):
    assert matched_costs(match, Config.of({"space": "tiny_space", **settings})) == names


def test_without_a_search_multiply_adds_are_equal():
    assert matched_costs(None, None) == ("macs",)
    with pytest.raises(UserError, match="Did you mean 'params'"):
        matched_costs("param", None)


def test_a_step_is_measured_once_and_kept(tmp_path, monkeypatch):
    measured = []

    def measure(network, reference, proxy):
        measured.append(network)
        return StepTime(2.0 * network.depth, 0.01, 7, 99.0, 10.0 + len(measured), 99.0, 99.0)

    monkeypatch.setattr("search.proxy.measure.measure", measure)
    costs = Costs(Proxy(), ONE, {}, tmp_path / "times.json", lambda text: None)
    assert costs("params", ONE) == cost(ONE).params
    # The unit is the first measured time of the reference.
    assert [costs("step", one) for one in (ONE, OTHER, ONE)] == [22.0, 44.0, 22.0]
    assert len(measured) == 2
    again = Costs(Proxy(), ONE, {}, tmp_path / "times.json", lambda text: None)
    assert again("step", OTHER) == 44.0 and len(measured) == 2
    assert set(json.loads((tmp_path / "times.json").read_text())["step"]) == {str(ONE), str(OTHER)}


def test_profiles_predict_steps_and_latencies():
    forecast = SimpleNamespace(step=lambda network: SimpleNamespace(ms=5.0 * network.depth))
    costs = Costs(Proxy(), ONE, {"step": forecast}, None, lambda text: None)
    assert costs("step", OTHER) == 10.0
    assert Costs(Proxy(), ONE, {"latency": forecast}, None, lambda text: None)("latency", OTHER) == 10.0
