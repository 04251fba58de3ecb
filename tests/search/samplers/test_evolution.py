from dataclasses import replace

from search.samplers import Observation
from search.samplers.evolution import FINISHING, RegularisedEvolution
from space import Space

SPACE = Space.load("effv2_32")
CHOICES = SPACE.choices


def trial(number, point, reward):
    return Observation(number, point, reward, finished=reward is not None)


def changed(one, other):
    return sum(a != b for a, b in zip(one, other, strict=True))


def test_a_child_is_its_parent_with_one_choice_changed():
    point = tuple(0 for _ in CHOICES)
    proposer = RegularisedEvolution(sampler="evolution", population=1, tournament=1).proposer(CHOICES)
    children = {proposer.propose([trial(0, point, 1.0)], seed) for seed in range(200)}
    assert all(changed(point, child) == 1 for child in children)
    # Every choice, and each of its other options.
    assert len(children) == sum(len(choice.options) - 1 for choice in CHOICES)


def test_the_old_leave_however_good_they_are():
    """The best trial is older than the population: nothing descends from it."""
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 100.0), *(trial(number, young, 1.0) for number in range(1, 4))]
    proposer = RegularisedEvolution(sampler="evolution", population=3, tournament=3).proposer(CHOICES)
    assert all(changed(young, proposer.propose(history, seed)) == 1 for seed in range(20))


def test_the_best_of_the_tournament_is_the_parent():
    best, other = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, other, 1.0) for number in range(1, 4))]
    proposer = RegularisedEvolution(sampler="evolution", population=4, tournament=4).proposer(CHOICES)
    assert all(changed(best, proposer.propose(history, seed)) == 1 for seed in range(20))


def test_what_runs_or_failed_is_no_parent():
    point = tuple(0 for _ in CHOICES)
    history = [trial(number, point, None) for number in range(10)]
    proposer = RegularisedEvolution(sampler="evolution", population=1, tournament=1).proposer(CHOICES)
    assert max(changed(point, proposer.propose(history, seed)) for seed in range(20)) > 1


def test_a_space_without_choices_has_one_point():
    proposer = RegularisedEvolution(sampler="evolution", population=1).proposer(())
    assert proposer.propose([], 0) == proposer.propose([trial(0, (), 1.0)], 0) == ()


def finishing(trials, finish=0.2):
    sampler = RegularisedEvolution(sampler="evolution", population=2, tournament=1, finish=finish)
    return sampler.lasting(SPACE, lambda network: True, trials), sampler.proposer(CHOICES)


def test_the_last_part_of_a_long_search_is_around_the_best():
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, young, 1.0) for number in range(1, 160))]
    proposer, evolving = finishing(200)
    assert proposer.propose(history[:159], 3) == evolving.propose(history[:159], 3)
    assert all(changed(best, proposer.propose(history, seed)) == 1 for seed in range(20))


def test_trials_of_earlier_searches_bring_the_end_no_nearer():
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, young, 1.0) for number in range(1, 160))]
    proposer, evolving = finishing(200)
    earlier = [replace(seen, earlier=True) for seen in history]
    assert proposer.propose(earlier, 3) == evolving.propose(earlier, 3) != proposer.propose(history, 3)


def test_where_all_around_the_best_were_tried_it_is_the_second_best():
    """What runs, failed or was proposed in vain is tried, too."""
    best, second = tuple(0 for _ in CHOICES), tuple(1 for _ in CHOICES)
    proposer, _ = finishing(200)
    history = [trial(0, best, 2.0), trial(1, second, 1.0), *(trial(n, best, None) for n in range(2, 160))]
    around = sum(len(choice.options) - 1 for choice in CHOICES)
    for number in range(around):
        point = proposer.propose(history, number)
        assert changed(best, point) == 1
        history.append(trial(-1 if number % 2 else 160 + number, point, None))
    assert changed(second, proposer.propose(history, 0)) == 1


def test_short_searches_those_without_an_end_and_those_that_want_none_have_no_finish():
    best, young = tuple(0 for _ in CHOICES), tuple(len(choice.options) - 1 for choice in CHOICES)
    history = [trial(0, best, 2.0), *(trial(number, young, 1.0) for number in range(1, 1000))]
    for proposer, evolving in (finishing(FINISHING - 1), finishing(None), finishing(10_000, 0.0)):
        assert proposer.propose(history, 5) == evolving.propose(history, 5)
