"""Searches side by side."""

import pytest
from helpers.runs import ENVIRONMENT_OF_ALL, filled

from search import open_run
from search.report.comparison_page import comparison_page
from search.report.contest import curve, differences, groups, quantity
from space import UserError


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        open_run(filled(folder / f"{sampler}-{seed}", complete=10 + seed, sampler=sampler, seed=seed))
        for sampler in ("gp", "random")
        for seed in (1, 2, 3)
    ]


def told(runs):
    return " ".join(text for _, text in comparison_page(runs).summary)


def test_searches_that_differ_in_their_seed_alone_are_one_group(runs):
    found = groups(runs)
    assert [(group.name, len(group.runs)) for group in found] == [("sampler=gp", 3), ("sampler=random", 3)]
    (alone,) = groups(runs[:3])
    assert alone.name == ", ".join(run.name for run in runs[:3])


def test_groups_with_common_seeds_are_paired_after_as_many_trials(runs):
    trials, (found,) = differences(groups(runs), "reward")
    assert trials == 11
    # The same seed draws the same networks here, whatever the sampler is called.
    assert (found.estimate.mean, found.n, found.paired) == (0.0, 3, True)
    assert found.estimate.half is None


def test_two_groups_with_other_seeds_are_compared_by_students_test(runs):
    trials, (found,) = differences(groups([*runs[:2], *runs[4:]]), "reward")
    ours = [curve(run, "reward")[trials - 1] for run in runs[:2]]
    theirs = [curve(run, "reward")[trials - 1] for run in runs[4:]]
    assert found.estimate.mean == pytest.approx(sum(ours) / 2 - sum(theirs) / 2)
    assert not found.paired
    from scipy.stats import ttest_ind

    assert found.p == pytest.approx(ttest_ind(ours, theirs).pvalue, rel=1e-3)


def test_one_search_each_gives_no_interval(runs):
    _, (found,) = differences(groups([runs[0], runs[4]]), "reward")
    assert (found.estimate.half, found.p, found.n) == (None, None, 1)
    assert "n = 1 is too few for an interval" in told([runs[0], runs[4]])


def test_other_rewards_are_compared_by_accuracy(runs, tmp_path):
    other = open_run(filled(tmp_path / "o", reward__w=0))
    assert quantity([runs[0], other]) == "accuracy"
    assert "their rewards cannot be compared" in told([runs[0], other])


def test_other_data_are_warned_of(runs, tmp_path):
    other = open_run(filled(tmp_path / "o", data__images=300))
    assert "They differ in data, so their accuracies belong to different tasks" in told([runs[0], other])


def test_the_same_images_elsewhere_and_another_device_are_the_same_task(tmp_path):
    here = {"data": "npz", "data__path": "a.npz", "data__cache": str(tmp_path / "a"), "proxy__device": "cpu"}
    there = {"data": "npz", "data__path": "b.npz", "proxy__graph": "never", "seed": 1}
    one, other = open_run(filled(tmp_path / "one", **here)), open_run(filled(tmp_path / "other", **there))
    assert [group.runs for group in groups([one, other])] == [(one, other)]
    assert "They differ" not in told([one, other])
    images = {**ENVIRONMENT_OF_ALL, "data": {**ENVIRONMENT_OF_ALL["data"], "digest": "4567"}}
    third = open_run(filled(tmp_path / "third", environment=images, **there))
    assert [group.runs for group in groups([one, other, third])] == [(one, other), (third,)]
    assert {group.name.partition("=")[0] for group in groups([one, third])} == {"data.path"}
    assert "They differ in images, so their accuracies belong to different tasks." in told([one, third])


def test_a_run_without_trials_leaves_nothing_to_compare(runs, tmp_path):
    empty = open_run(filled(tmp_path / "o", complete=0))
    assert "nothing to compare yet" in told([runs[0], empty])


def test_a_run_given_twice_is_refused(runs):
    with pytest.raises(UserError, match="given twice"):
        comparison_page([runs[0], runs[1], runs[0]])
