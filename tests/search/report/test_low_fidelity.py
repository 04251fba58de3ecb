"""What a page tells of shorter trainings."""

import pytest
from helpers.quick import QUICK

from search import launch
from search.compare.plan import plan_of
from search.report.baseline import random_draws
from search.report.comparison_page import comparison_page
from search.report.contest import differences, groups
from search.report.findings import findings
from search.report.low_fidelity import low_fidelity_section, rungs
from search.report.prose import summary
from search.report.search_page import search_page
from search.testing import looked_up

SETTINGS = {
    **QUICK,
    "proxy.epochs": 9,
    "reward.w": 0,
    "trials": 14,
    "finals": "off",
    "pruner": "asha",
    "pruner.gate": 8,
    "pruner.min_correlation": -1,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("rungs")


@pytest.fixture
def run(home, monkeypatch, request):
    """A search with SETTINGS, and those of the test."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    settings = (
        SETTINGS | getattr(request, "param", {}) | {"run": request.node.name.replace("[", "-").rstrip("]")}
    )
    if settings["pruner"] == "none":
        settings = {key: value for key, value in settings.items() if not key.startswith("pruner.")}
    return launch(settings, evaluate=looked_up)


def test_each_rung_has_a_row_that_counts_its_networks(run):
    (section,) = low_fidelity_section(run)
    rows = {row["epochs"]: row for row in section.blocks[-1].rows}
    assert list(rows) == [1, 3]
    for epochs, row in rows.items():
        trained = [t for t in run.trials if any(rung.result.epochs == epochs for rung in t.rungs)]
        resting = [t for t in trained if t.state == "pruned" and t.rungs[-1].result.epochs == epochs]
        assert (row["trained"], row["further"]) == (len(trained), len(trained) - len(resting))
        assert row["used"] == "yes"
        assert -1 <= row["bound"] <= 1
    assert any(trial.state == "pruned" for trial in run.trials)


def test_a_point_for_each_network_that_had_both(run):
    drawn = rungs(run)
    assert [series.name for series in drawn.series] == ["1 epoch", "3 epochs"]
    for series in drawn.series:
        assert len(series.xs) == len(series.ys) == len(series.labels)
        assert len(series.xs) == sum(
            trial.state == "complete"
            and any(f"{rung.result.epochs} epoch" in series.name for rung in trial.rungs)
            for trial in run.trials
        )


@pytest.mark.parametrize("run", [{"reward": "pareto"}], indirect=True)
def test_of_several_objectives_the_accuracy_is_drawn(run):
    assert rungs(run).y.title == "Accuracy after 9 epochs"


@pytest.mark.parametrize("run", [{"pruner.gate": 0}], indirect=True)
def test_without_a_gate_no_correlation_is_told(run):
    (section,) = low_fidelity_section(run)
    assert "bound" not in [column.key for column in section.blocks[-1].columns]


@pytest.mark.parametrize("run", [{"pruner": "none", "trials": 1}], indirect=True)
def test_a_search_without_rungs_has_no_such_section(run):
    assert not list(low_fidelity_section(run))
    assert rungs(run) is None


def test_only_networks_that_no_rung_chose_are_random_draws(run):
    judging = [trial.number for trial in run.trials if trial.state != "duplicate"][:8]
    assert [trial.number for trial in random_draws(run)] == judging
    assert findings(run).proposals is None


@pytest.mark.parametrize("run", [{"pruner.min_correlation": 1}], indirect=True)
def test_where_the_gate_uses_no_rung_all_of_them_are(run):
    assert len(random_draws(run)) == SETTINGS["trials"]


def test_what_had_a_shorter_training_is_not_on_the_front(run):
    (explorer,) = (
        block for s in search_page(findings(run)).sections if s.key == "trials" for block in s.blocks
    )
    assert (explorer.group, explorer.aside) == ("state", "pruned")


def test_a_random_search_of_equal_cost_has_whole_trainings_alone(run):
    """As many as all trainings of this search amount to: 9 epochs are one."""
    epochs = sum(rung.result.epochs for trial in run.trials for rung in trial.rungs)
    epochs += 9 * sum(trial.state == "complete" for trial in run.trials)
    rival = plan_of([run.name], {}).random_config()
    assert rival.settings.trials == -(-epochs // 9)
    assert rival.ladder.epochs == (9,)
    assert (
        f"sampler=random pruner=none trials={rival.settings.trials}"
        in dict(summary(findings(run)))["Against random"]
    )
    assert sum(result.epochs for result in findings(run).trainings) == epochs


@pytest.mark.parametrize("run", [{"seed": 1}], indirect=True)
def test_no_difference_is_told_from_a_search_without(run):
    plain = {key: value for key, value in SETTINGS.items() if not key.startswith("pruner")}
    other = launch({**plain, "run": "plain", "pruner": "none"}, evaluate=looked_up)
    assert differences(groups([run, other]), "reward") == (0, [])
    assert "different amounts" in dict(comparison_page([run, other]).summary)["Differences"]


def test_it_is_on_the_page(run):
    assert "rungs" in [section.key for section in search_page(findings(run)).sections]
