from search.samplers import Observation
from search.samplers.nsga2 import NSGA2, survivors
from search.stats.pareto import front
from space import Space

SPACE = Space.load("effv2_32")
CHOICES = SPACE.choices
FIXED = Space.load("effv2_32", {choice.name: choice.options[0] for choice in CHOICES})


def trial(number, point, objectives=()):
    return Observation(number, point, -sum(objectives) if objectives else None, True, objectives)


def test_survivors_are_the_best_ranks_and_the_least_crowded_of_a_rank():
    objectives = [(0.0, 4.0), (1.0, 2.0), (1.1, 1.9), (4.0, 0.0), (5.0, 5.0), (3.0, 3.0)]
    trials = [trial(number, (number,), values) for number, values in enumerate(objectives)]
    assert [found.number for found in survivors(trials, 3)][:2] == [0, 3]
    assert {found.number for found in survivors(trials, 4)} == {0, 1, 2, 3}
    assert [found.number for found in survivors(trials, 6)][4:] == [5, 4]


def test_a_child_has_the_genes_of_its_parents():
    low, high = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, low, (0.0, 1.0)), trial(1, high, (1.0, 0.0))]
    proposer = NSGA2(sampler="nsga2", population=2, mutation=0).proposer(SPACE)
    children = [proposer.propose(history, seed) for seed in range(40)]
    assert all(set(zip(c, low, high, strict=True)) <= {(g, a, b) for a, b in zip(low, high, strict=True)
               for g in (a, b)} for c in children)  # fmt: skip
    assert len(set(children)) > 10


def test_the_front_comes_nearer_than_random_draws_do():
    """With two conflicting objectives, bred networks cover the front."""
    proposer = NSGA2(sampler="nsga2", population=16).proposer(SPACE)

    def objectives(point):
        return float(sum(point[::2])), float(
            sum(len(c.options) - 1 - g for c, g in zip(CHOICES, point, strict=True))
        )

    history = []
    for number in range(120):
        point = proposer.propose(history, number)
        history.append(trial(number, point, objectives(point)))
    drawn, bred = (sum(map(sum, (t.objectives for t in part))) / 16 for part in (history[:16], history[-16:]))
    assert bred < drawn
    best = front([t.objectives for t in history])
    assert sum(index >= 16 for index in best) > len(best) / 2


def test_what_failed_is_no_parent():
    proposer = NSGA2(sampler="nsga2", population=2, mutation=0).proposer(SPACE)
    point = tuple(0 for _ in CHOICES)
    history = [trial(number, point) for number in range(8)]
    assert len({proposer.propose(history, seed) for seed in range(8)}) > 4


def test_a_space_without_choices_has_one_point():
    assert NSGA2(sampler="nsga2").proposer(FIXED).propose([], 0) == ()
