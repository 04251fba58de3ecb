import numpy as np
import pytest

from search.samplers.ordinal_gp.encoding import Encoding
from search.samplers.ordinal_gp.regression import Hypothesis, Inputs, Kernel, Posterior, hypotheses
from space import Choice

NONE = np.zeros((0, 2))


def inputs(codes, sizes=None):
    codes = np.asarray(codes, dtype=float)
    return Inputs(codes, np.zeros((len(codes), 0)) if sizes is None else np.asarray(sizes, dtype=float))


def test_a_linear_trend_is_recognised():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(40, 3))
    values = codes @ [1.0, -2.0, 0.5]
    best = hypotheses(inputs(codes), values / values.std())[0]
    assert best.kernel.linear == 0.9
    assert best.noise == 1e-4


def test_noise_is_recognised():
    rng = np.random.default_rng(0)
    best = hypotheses(inputs(rng.normal(size=(60, 3))), rng.normal(size=60))[0]
    assert best.noise == 1.0


def test_sizes_are_used_where_they_predict_better_than_codes():
    rng = np.random.default_rng(0)
    codes, sizes = rng.normal(size=(12, 8)) / np.sqrt(8), rng.normal(size=(12, 1))
    found = hypotheses(inputs(codes, sizes), sizes[:, 0] / sizes.std())
    assert sum(each.weight for each in found if each.kernel.sizes) > 0.99
    assert sum(each.weight for each in found) == pytest.approx(1)
    assert all(each.kernel.sizes == 0 for each in hypotheses(inputs(codes), codes[:, 0]))


def test_a_posterior_equals_the_textbooks():
    """Rasmussen and Williams 2006, equations 2.25 and 2.26, with the inverse gamma's mean of the variance."""
    rng = np.random.default_rng(1)
    known, new = inputs(rng.normal(size=(6, 2))), inputs(rng.normal(size=(3, 2)))
    targets = rng.normal(size=6)
    kernel = Kernel(linear=0.5, length=1.0, sizes=0.0)
    posterior = Posterior(Hypothesis(kernel, 0.1, 1.0), known, targets, inputs(NONE))
    inverse = np.linalg.inv(kernel(known, known) + 0.1 * np.eye(6))
    across = kernel(new, known)
    assert posterior.mean(new) == pytest.approx(across @ inverse @ targets)
    scale = (1 + 0.5 * targets @ inverse @ targets) / (1 + 6 / 2)
    variances = np.diag(kernel(new, new) - across @ inverse @ across.T)
    assert posterior.std(new) ** 2 == pytest.approx(scale * variances)


def test_running_trials_reduce_the_variance_and_move_no_mean():
    rng = np.random.default_rng(1)
    known, running = inputs(rng.normal(size=(6, 2))), inputs(rng.normal(size=(2, 2)))
    targets, hypothesis = rng.normal(size=6), Hypothesis(Kernel(0.5, 1.0, 0.0), 0.01, 1.0)
    alone, both = (Posterior(hypothesis, known, targets, r) for r in (inputs(NONE), running))
    assert both.mean(running) == pytest.approx(alone.mean(running))
    assert (both.std(running) < 0.8 * alone.std(running)).all()


def test_ordered_options_are_on_one_axis_and_others_on_their_own():
    ordered, named = Choice("k", (3, 5, 7), True), Choice("op", ("a", "b", "c"), False)
    codes = Encoding([ordered, named])([(0, 0), (1, 1), (2, 2)])
    assert codes[:, 0] == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert ((codes[0, 1:] - codes[1, 1:]) ** 2).sum() == pytest.approx(2)
    assert ((codes[0, 1:] - codes[2, 1:]) ** 2).sum() == pytest.approx(2)
    assert Encoding([ordered, named]).spread == pytest.approx(1 + 2 / 3)
    assert Encoding([])([(), ()]).shape == (2, 0)
