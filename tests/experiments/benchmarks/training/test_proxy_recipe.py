"""The reliability of recipes, computed on invented accuracies."""

import numpy as np
import pytest
import torch
from helpers.mistakes import told

from experiments.benchmarks.training import proxy_recipe
from experiments.benchmarks.training.proxy_recipe import FLIPS, READINGS, foretold, main, reliability, rows


def test_seeds_that_agree_are_reliable():
    alike = np.array([[0.1, 0.2], [0.2, 0.3], [0.4, 0.9]])
    assert reliability(alike) == pytest.approx(1)
    assert foretold(alike, np.array([1.0, 2.0, 3.0])) == pytest.approx(1)
    assert foretold(alike, np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    # The ranks of the second seed are 1, 3, 2: rho is 1 - 6 * 2 / (3 * 8) with the first.
    assert reliability(np.array([[0.1, 0.1], [0.2, 0.3], [0.3, 0.2]])) == pytest.approx(0.5)


def test_a_row_compares_with_the_plain_reading_of_the_plain_recipe(monkeypatch):
    monkeypatch.setattr(proxy_recipe, "_RESAMPLED", 40)
    rng = np.random.default_rng(0)
    worth = np.linspace(0, 1, 20)
    found = {
        (recipe, *reading): worth[:, None] + rng.normal(0, noise, (20, 3))
        for recipe, noise in (("plain", 1.0), ("better", 0.01))
        for reading in READINGS
    }
    table = list(rows(found, {"plain": 2.0, "better": 3.0}, worth))
    first, better = table[0], table[-1]
    assert len(table) == len(found)
    assert (first["more"], first["whole_more"], first["more_low"], first["more_high"]) == ("+0.000",) * 4
    assert float(str(better["whole_low"])) > 0 and float(str(better["more_low"])) > 0
    assert (better["recipe"], better["seconds"], better["n"]) == ("better", "3.0", "20 x 3")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--data", "none.npz"], "There is no file none.npz."),
        (
            ["--data", "none.npz", "--recipes", "no labels"],
            "There is no recipe 'no labels'; there are plain, ",
        ),
        (["--data", __file__, "--seeds", "1"], "--seeds 1 --networks 24: 2 seeds or more"),
        (["--data", __file__, "--networks", "257"], "2 to 256 networks are needed"),
    ],
)
def test_mistakes_are_one_line(words, says, capsys):
    assert says in told(main, words, capsys)


def test_random_flips_do_not_alternate():
    images = torch.arange(4000)
    first, second = (FLIPS["random"](images, epoch, 0) for epoch in (0, 1))
    assert first.double().mean().item() == pytest.approx(0.5, abs=0.05)
    assert (first == second).double().mean().item() == pytest.approx(0.5, abs=0.05)
    assert not FLIPS["none"](images, 0, 0).any()
