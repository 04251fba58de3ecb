"""Which choices decided, and what the best have in common."""

import pytest
from helpers.runs import filled

from search import open_run
from search.report.importance import common, importances, top


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(filled(tmp_path_factory.mktemp("runs") / "r", complete=60))


def test_each_evaluator_shares_out_one_whole_among_all_choices(run):
    found = importances(run)
    assert found[0].evaluator == "PED-ANOVA"
    for one in found:
        assert {name for name, _ in one.shares} == {choice.name for choice in run.config.space.choices}
        assert sum(share for _, share in one.shares) == pytest.approx(1)
        shares = [share for _, share in one.shares]
        assert shares == sorted(shares, reverse=True)


def test_too_few_trials_tell_nothing(tmp_path):
    assert importances(open_run(filled(tmp_path / "r", complete=49))) == []


def test_what_most_of_the_best_have(run):
    best = run.ranked[:6]
    for place, found in enumerate(common(run)):
        choice = run.config.space.choices[place]
        assert found.choice == choice.name
        having = [str(choice.options[trial.point[place]]) == found.option for trial in best]
        assert found.top == sum(having) / 6 >= 1 / len(choice.options)


def test_the_best_are_a_tenth_and_five_at_least():
    assert [top(count) for count in (0, 3, 5, 30, 60, 1000)] == [0, 3, 5, 5, 6, 100]
