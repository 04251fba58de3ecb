"""Problems of anybody's own: the example of the README, and invented ones in large spaces."""

import re
import statistics
import sys
from pathlib import Path

import pytest

from experiments.benchmarks.samplers.sample_efficiency import kept, main
from experiments.benchmarks.samplers.tabular.contestants import contestant
from experiments.benchmarks.samplers.tabular.problem import Adapted, Reading, load
from experiments.benchmarks.samplers.tabular.recorded import SECONDS
from experiments.benchmarks.samplers.tabular.significance import levels
from experiments.benchmarks.samplers.tabular.simulation import searched
from experiments.benchmarks.samplers.tabular.surrogate import NOISE, STD, Surrogate
from space import Space, UserError, cost, decode

README = Path(__file__).parents[5] / "experiments/README.md"


@pytest.fixture
def my_module(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(# my_module.py\n.*?)```", README.read_text("utf-8"), re.DOTALL)
    (tmp_path / "my_module.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield code
    sys.modules.pop("my_module", None)


def test_the_example_is_short(my_module):
    code = [
        line
        for line in my_module.splitlines()
        if line.strip() and not line.startswith(("#", "import", "from"))
    ]
    assert len(code) <= 30


def test_the_example_is_searched_without_networks_that_it_lacks(my_module, tmp_path, capsys):
    words = ["--samplers", "random", "auto", "--seeds", "2", "--trials", "16", "--out", str(tmp_path)]
    main(["--problem", "my_module:problem", *words])
    assert "my_module.problem" in capsys.readouterr().out
    runs = kept(tmp_path / "searches.jsonl")
    assert [run.trials for run in runs] == [16] * 4
    problem = load("my_module:problem")
    networks = {problem.space.at(point) for point in problem.space.points()}
    assert set(problem.readings) == set(problem.problem.rows) < set(map(str, networks))
    best = max(problem.truths.values())
    assert all(step.true <= best + 1e-6 for run in runs for step in run.steps)


def test_noise_and_costs_are_the_problems(my_module):
    problem = load("my_module:problem")
    text, (mean, std, ms) = next(iter(problem.problem.rows.items()))
    accuracies = [problem.problem.train(decode(text), seed).accuracy for seed in range(400)]
    assert statistics.stdev(accuracies) == pytest.approx(std, rel=0.15)
    assert problem.truths[text] == pytest.approx(mean * (ms / 2) ** -0.07)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("my_module", "write MODULE:NAME"),
        ("my_modul:problem", "No module named"),
        ("my_module:problm", "problm"),
        ("my_module:SPACE", "lacks the method settings()"),
    ],
)
def test_an_unknown_problem_is_refused(my_module, word, said):
    with pytest.raises(UserError, match=re.escape(said)):
        load(word)


class Even:
    """Networks of `tiny_space` of which only some can be trained, all alike but for their depth."""

    def settings(self):
        return {"space": "tiny_space", "reward": "effv2", "reward.w": 0, "reward.v": 0}

    def train(self, network, seed):
        return Reading(self.accuracy(network)) if network.depth % 2 == 0 else None

    def accuracy(self, network):
        return 0.5 + network.depth / 100


def test_a_search_of_a_problem_selects_its_best():
    problem = Adapted("even", Even(), levels=(20,))
    run = searched(problem, "random", contestant("random"), 2, 0, 20)
    best = max(network.depth for network in map(decode, problem.readings))
    assert best % 2 == 0
    assert run.steps[-1].true == pytest.approx(0.5 + best / 100)
    assert levels(problem) == {20: pytest.approx(0.5 + best / 100)}


def test_an_invented_problem_has_the_spread_and_the_noise_of_the_table():
    problem, space = Surrogate("effv2_mini", seed=9), Space.load("effv2_mini")
    networks = list(dict.fromkeys(map(space.at, space.points())))
    values = [problem.accuracy(network) for network in networks]
    assert 0.5 * STD < statistics.stdev(values) < 2.5 * STD
    noise = [problem.train(networks[0], seed).accuracy - values[0] for seed in range(300)]
    assert statistics.stdev(noise) == pytest.approx(NOISE, rel=0.15)
    seconds = {network: problem.train(network, 0).seconds for network in networks}
    mean = statistics.fmean(seconds[space.at(point)] for point in space.points())
    assert mean == pytest.approx(SECONDS, rel=0.1)
    ratio = cost(networks[5]).macs / cost(networks[3]).macs
    assert seconds[networks[5]] / seconds[networks[3]] == pytest.approx(ratio)
    assert Surrogate("effv2_mini", seed=9).accuracy(networks[3]) == values[3]
    assert Surrogate("effv2_mini", seed=8).accuracy(networks[3]) != values[3]
