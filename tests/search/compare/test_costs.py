import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from search.compare.costs import Costs, matched_costs
from search.compare.plan import Plan
from search.config import Config
from search.models.inference import Conditions
from search.proxy.proxy import Proxy
from space import UserError, cost, decode
from space.cost.table import exact_cost
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


def test_memory_is_counted_for_the_images_of_the_search():
    run = SimpleNamespace(config=Config.of({"space": "tiny_space", "limit.memory": "2GB", "limit.batch": 8}))
    plan = Plan(run, None, (), (), None, None, None, None)
    assert plan.costs(None, print)("memory", ONE) == exact_cost("memory", ONE, 8) != exact_cost("memory", ONE)
    run.config = Config.of({"space": "tiny_space", "reward.cost": "memory", "reward.batch": 4})
    assert plan.costs(None, print)("memory", ONE) == exact_cost("memory", ONE, 4)


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


def test_a_profile_predicts_steps():
    forecast = SimpleNamespace(step=lambda network: SimpleNamespace(ms=5.0 * network.depth))
    costs = Costs(Proxy(), ONE, {"step": forecast}, None, lambda text: None)
    assert costs("step", OTHER) == costs.guess("step", OTHER) == 10.0


class Bench:
    """A stand-in for a bench of latencies, on which every block takes 3 ms and the reference 6 ms."""

    reference_ms = 6.0

    def __init__(self):
        self.opened: list[tuple] = []

    @contextmanager
    def __call__(self, conditions, reference, fastest_ms):
        self.opened.append((conditions, reference))
        yield self

    def ratio(self, network):
        return network.depth / 2


@pytest.fixture
def bench(monkeypatch):
    bench = Bench()
    monkeypatch.setattr("search.profiles.latency_bench.latency_bench", bench)
    return bench


def test_a_latency_is_measured_once_in_onnxruntime_and_kept(tmp_path, monkeypatch, bench):
    monkeypatch.setattr("search.models.onnx_session.missing", lambda: None)
    file = tmp_path / "times.json"
    # Earlier versions kept the milliseconds in torch.
    file.write_text(json.dumps({"step": {}, "latency": {str(OTHER): 77.0}}))
    costs = Costs(Proxy(), ONE, {}, file, lambda text: None)
    assert [costs("latency", one) for one in (ONE, OTHER, ONE)] == [3.0, 6.0, 3.0]
    assert bench.opened == 2 * [(Conditions(runtime="onnxruntime"), ONE)]
    assert Costs(Proxy(), ONE, {}, file, lambda text: None).guess("latency", OTHER) == 6.0
    assert len(bench.opened) == 2


def test_without_onnxruntime_torch_is_measured(monkeypatch, bench):
    monkeypatch.setattr("search.models.onnx_session.missing", lambda: "onnxruntime")
    assert Costs(Proxy(), ONE, {}, None, lambda text: None)("latency", ONE) == 3.0
    assert bench.opened == [(Conditions(runtime="torch"), ONE)]


@pytest.mark.parametrize("why", ["", "the profile was made with another processor"])
def test_a_profile_of_latencies_guesses_and_sets_the_unit(monkeypatch, bench, why):
    profile, conditions, notes = SimpleNamespace(reference=str(OTHER), reference_ms=10.0), object(), []
    monkeypatch.setattr("search.compare.costs.like", lambda profile: conditions)
    monkeypatch.setattr("search.compare.costs.unmeasurable", lambda profile: why)
    forecast = SimpleNamespace(profile=profile, step=lambda network: SimpleNamespace(ms=4.0 * network.depth))
    costs = Costs(Proxy(), ONE, {"latency": forecast}, None, notes.append)
    assert costs.guess("latency", OTHER) == 8.0
    # On another machine nothing is measured that would compare with the profile's times.
    assert [costs("latency", OTHER) for _ in range(2)] == 2 * [8.0 if why else 10.0]
    assert bench.opened == ([] if why else [(conditions, OTHER)])
    assert sum(why in note for note in notes if why) == bool(why)
