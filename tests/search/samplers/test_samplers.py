import pytest

from search.samplers import SAMPLERS, Observation
from search.stats.pareto import hypervolume
from search.testing import SAMPLER_CONTRACT
from space import Space

EVOLVING = {"evolution": {"population": 6, "tournament": 3}, "nsga2": {"population": 6}}
"""Populations that these few trials fill."""
TRIALS = {"gp": 20, "tpe": 30, "evolution": 60, "nsga2": 60}


@pytest.mark.parametrize("check", SAMPLER_CONTRACT, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLERS)
def test_contract(name, check):
    check(SAMPLERS[name](sampler=name, **EVOLVING.get(name, {})))


@pytest.mark.parametrize("name", ["gp", "tpe", "evolution", "nsga2"])
def test_learns_from_the_history(name):
    """After some trials of a simple sum, proposals are better than random ones were."""
    space = Space.load("effv2_32")
    proposer = SAMPLERS[name](sampler=name, **EVOLVING.get(name, {})).proposer(space)
    history = []
    for number in range(TRIALS[name]):
        point = proposer.propose(history, number)
        value = float(sum(point))
        history.append(Observation(number, point, -value, finished=True, objectives=(value, value)))
    first, last = (sum(-o.reward for o in part) / 8 for part in (history[:8], history[-8:]))
    assert last < first


@pytest.mark.parametrize(("name", "count"), [("gp", 14), ("tpe", 60)])
def test_learns_a_front(name, count):
    """With two conflicting objectives, proposals dominate more than as many random draws."""
    space = Space.load("effv2_32")
    volumes = []
    for sampler in (SAMPLERS[name](sampler=name), SAMPLERS["random"](sampler="random")):
        proposer, history = sampler.proposer(space, objectives=2), []
        for number in range(count):
            point = proposer.propose(history, number)
            rest = (len(choice.options) - index for choice, index in zip(space.choices, point, strict=True))
            objectives = 1.0 + sum(point[::2]), float(sum(rest))
            history.append(Observation(number, point, 0.0, finished=True, objectives=objectives))
        volumes.append(hypervolume([found.objectives for found in history], (17.0, 40.0)))
    assert volumes[0] > volumes[1]


def test_eight_proposals_in_a_row_differ():
    """Running trials are taken into account, so that workers in parallel do not get the same network."""
    space = Space.load("effv2_32")
    for name in SAMPLERS:
        proposer = SAMPLERS[name](sampler=name).proposer(space)
        history = [
            Observation(n, point, -float(sum(point)), finished=True)
            for n, point in enumerate(proposer.propose([], seed) for seed in range(12))
        ]
        for number in range(12, 20):
            point = proposer.propose(history, number)
            history.append(Observation(number, point, None, finished=False))
        assert len({o.point for o in history[12:]}) == 8
