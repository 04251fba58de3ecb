import numpy as np
import pytest

from search.samplers.ordinal_gp.kernels import Inputs, Kernel, Pairs
from search.samplers.ordinal_gp.regression import Hypothesis, Posterior, hypotheses


def inputs(codes, sizes=None, sums=None):
    none = np.zeros((len(codes), 0))
    given = (none if each is None else np.asarray(each, dtype=float) for each in (sums, sizes))
    return Inputs(np.asarray(codes, dtype=float), *given)


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


def test_like_effects_of_choices_are_recognised():
    rng = np.random.default_rng(0)
    codes = rng.choice([-1.0, 1.0], size=(24, 6)) / np.sqrt(6)
    points = inputs(codes, sums=codes.sum(1, keepdims=True))
    targets = 2 * codes.sum(1) + 0.1 * rng.normal(size=24)
    assert sum(each.weight for each in hypotheses(points, targets) if each.kernel.sums) > 0.9
    own = codes @ np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    assert sum(each.weight for each in hypotheses(points, 2 * own) if not each.kernel.sums) > 0.5


def test_a_kernel_mixes_codes_and_sums_and_has_the_variances_of_its_diagonal():
    rng = np.random.default_rng(0)
    points = inputs(rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))
    kernel = Kernel(linear=0.3, length=0.7, sums=0.25, sizes=0.4)
    covariance = kernel(Pairs(points, points))
    assert np.diag(covariance) == pytest.approx(kernel.variances(points))
    codes = np.hstack([np.sqrt(0.75) * points.codes, np.sqrt(0.25) * points.sums])
    same = Kernel(linear=0.3, length=0.7, sums=0.0, sizes=0.4)
    joined = inputs(codes, points.sizes)
    assert covariance == pytest.approx(same(Pairs(joined, joined)))


def test_a_posterior_equals_the_textbooks():
    """Rasmussen and Williams 2006, equations 2.25 and 2.26, with the inverse gamma's mean of the variance."""
    rng = np.random.default_rng(1)
    known, new = inputs(rng.normal(size=(6, 2))), inputs(rng.normal(size=(3, 2)))
    targets = rng.normal(size=6)
    kernel = Kernel(linear=0.5, length=1.0, sums=0.0, sizes=0.0)
    posterior = Posterior(Hypothesis(kernel, 0.1, 1.0), Pairs(known, known), targets)
    means, stds = posterior.predict(new, Pairs(known, new))
    inverse = np.linalg.inv(kernel(Pairs(known, known)) + 0.1 * np.eye(6))
    across = kernel(Pairs(new, known))
    assert means == pytest.approx(across @ inverse @ targets)
    assert posterior.means == pytest.approx(posterior.predict(known, Pairs(known, known))[0])
    scale = (1 + 0.5 * targets @ inverse @ targets) / (1 + 6 / 2)
    variances = np.diag(kernel(Pairs(new, new)) - across @ inverse @ across.T)
    assert stds**2 == pytest.approx(scale * variances)


def test_running_trials_reduce_the_variance_and_move_no_mean():
    rng = np.random.default_rng(1)
    known, running = inputs(rng.normal(size=(6, 2))), inputs(rng.normal(size=(2, 2)))
    targets, hypothesis = rng.normal(size=6), Hypothesis(Kernel(0.5, 1.0, 0.0, 0.0), 0.01, 1.0)
    every = inputs(np.vstack([known.codes, running.codes]))
    mean, std = Posterior(hypothesis, Pairs(known, known), targets).predict(running, Pairs(known, running))
    both = Posterior(hypothesis, Pairs(every, every), targets)
    narrowed_mean, narrowed_std = both.predict(running, Pairs(every, running))
    assert narrowed_mean == pytest.approx(mean)
    assert (narrowed_std < 0.8 * std).all()
