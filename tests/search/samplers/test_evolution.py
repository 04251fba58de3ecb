import random
from dataclasses import replace

from search.samplers import Observation
from search.samplers.evolution import MIN_TRIALS_TO_FINISH, RegularizedEvolution, drawn
from space import Space

SPACE = Space.load("effv2_32")
CHOICES = SPACE.choices
FIXED = Space.load("effv2_32", {choice.name: choice.options[0] for choice in CHOICES})


def trial(number, point, reward, rejected=False):
    return Observation(number, point, reward, finished=reward is not None or rejected, rejected=rejected)


def changed(one, other):
    return sum(a != b for a, b in zip(one, other, strict=True))


def test_a_drawn_point_is_that_of_randrange():
    options = [2, 3, 1, 5, 16, 7]
    one, other = random.Random(5), random.Random(5)
    assert all(drawn(options, one) == tuple(map(other.randrange, options)) for _ in range(100))


def test_a_child_is_its_parent_with_one_choice_changed():
    point = tuple(0 for _ in CHOICES)
    proposer = RegularizedEvolution(sampler="evolution", population=1, tournament=1).proposer(SPACE)
    children = {proposer.propose([trial(0, point, 1.0)], seed) for seed in range(200)}
    assert all(changed(point, child) == 1 for child in children)
    # Every choice, and each of its other options.
    assert len(children) == sum(len(choice.options) - 1 for choice in CHOICES)


def test_old_trials_leave_the_population_however_good():
    """The best trial is older than the population: nothing descends from it."""
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 100.0), *(trial(number, young, 1.0) for number in range(1, 4))]
    proposer = RegularizedEvolution(sampler="evolution", population=3, tournament=3).proposer(SPACE)
    assert all(changed(young, proposer.propose(history, seed)) == 1 for seed in range(20))


def test_the_best_of_the_tournament_is_the_parent():
    best, other = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, other, 1.0) for number in range(1, 4))]
    proposer = RegularizedEvolution(sampler="evolution", population=4, tournament=4).proposer(SPACE)
    assert all(changed(best, proposer.propose(history, seed)) == 1 for seed in range(20))


def test_running_and_failed_trials_are_no_parents():
    point = tuple(0 for _ in CHOICES)
    history = [trial(number, point, None) for number in range(10)]
    proposer = RegularizedEvolution(sampler="evolution", population=1, tournament=1).proposer(SPACE)
    assert max(changed(point, proposer.propose(history, seed)) for seed in range(20)) > 1


def test_a_space_without_choices_has_one_point():
    proposer = RegularizedEvolution(sampler="evolution", population=1).proposer(FIXED)
    assert proposer.propose([], 0) == proposer.propose([trial(0, (), 1.0)], 0) == ()


def finishing(trials, finish=0.2):
    sampler = RegularizedEvolution(sampler="evolution", population=2, tournament=1, finish=finish)
    return sampler.proposer(SPACE, trials=trials), sampler.proposer(SPACE)


def test_the_last_part_of_a_long_search_is_around_the_best():
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, young, 1.0) for number in range(1, 160))]
    proposer, evolving = finishing(200)
    assert proposer.propose(history[:159], 3) == evolving.propose(history[:159], 3)
    assert all(changed(best, proposer.propose(history, seed)) == 1 for seed in range(20))


def test_imported_trials_do_not_bring_the_end_nearer():
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, young, 1.0) for number in range(1, 160))]
    proposer, evolving = finishing(200)
    imported = [replace(seen, imported=True) for seen in history]
    assert proposer.propose(imported, 3) == evolving.propose(imported, 3) != proposer.propose(history, 3)


def test_where_all_around_the_best_were_tried_it_is_the_second_best():
    """Running, failed and rejected points count as tried, too."""
    best, second = tuple(0 for _ in CHOICES), tuple(1 for _ in CHOICES)
    proposer, _ = finishing(200)
    history = [trial(0, best, 2.0), trial(1, second, 1.0), *(trial(n, best, None) for n in range(2, 160))]
    around = sum(len(choice.options) - 1 for choice in CHOICES)
    for number in range(around):
        point = proposer.propose(history, number)
        assert changed(best, point) == 1
        history.append(trial(160 + number, point, None, rejected=bool(number % 2)))
    assert changed(second, proposer.propose(history, 0)) == 1


def test_short_and_endless_searches_have_no_finish():
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, young, 1.0) for number in range(1, 1000))]
    for proposer, evolving in (finishing(MIN_TRIALS_TO_FINISH - 1), finishing(None), finishing(10_000, 0.0)):
        assert proposer.propose(history, 5) == evolving.propose(history, 5)
