"""Signals of gradients: what they are of, and that they are the same again."""

import numpy as np
import pytest
from helpers.mistakes import told

from experiments.benchmarks.samplers.gradient_signals import main, ranked, signals
from experiments.benchmarks.samplers.tabular.recorded import made_up
from space import cost, decode

NETWORK = next(iter(made_up().truths))


def test_signals_depend_only_on_the_network():
    once, again = signals(NETWORK, None), signals(NETWORK, None)
    assert once == again
    assert (once["MACs"], once["params"]) == (cost(decode(NETWORK)).macs, cost(decode(NETWORK)).params)
    other = signals(NETWORK, 2 * decode(NETWORK).resolution)
    assert other["MACs"] == once["MACs"]
    assert other["snip"] != once["snip"]


def test_the_interval_surrounds_the_correlation():
    values = np.linspace(0, 1, 50)
    assert ranked(values, -values) == (pytest.approx(-1),) * 3
    noisy = values + np.random.default_rng(0).normal(0, 0.3, 50)
    rho, low, high = ranked(values, noisy)
    assert 0 < low < rho < high < 1


@pytest.mark.parametrize(
    ("words", "says"),
    [([], "Which table?"), (["--nas-bench-macro", "none.json"], "none.json: No such file")],
)
def test_mistakes_are_one_line(words, says, capsys):
    assert says in told(main, words, capsys)
