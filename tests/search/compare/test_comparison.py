"""A comparison from a run of looked-up accuracies, with real trainings of a second in all."""

from functools import partial

import pytest
from click.testing import CliRunner

from search import launch, open_run
from search.cli.main import search
from search.compare import comparison as comparing
from search.compare.plan import RANDOM, WINNER, plan_of
from search.engine import launch as driver
from search.models.model import is_model, load_model
from search.testing import looked_up
from space import UserError

WORDS = ["seeds=2", "recipe.epochs=1", "recipe.batch=64", "recipe.device=cpu", "executor=serial"]
WORDS += ["networks=mobilenet-v3-small"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The name of a finished run of three trials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(comparing, "resume", partial(driver.resume, evaluate=looked_up))
    settings = {"space": "tiny_space", "proxy": "tiny", "executor": "serial", "trials": 3, "run": "mine"}
    data = {"data.images": 160, "data.test_images": 40, "sampler": "random", "reward.w": 0}
    return launch({**settings, **data}, evaluate=looked_up).name


def invoke(*words):
    return CliRunner().invoke(search, ["compare", *words])


def test_a_comparison_is_continued(run, tmp_path):
    dry = invoke(run, *WORDS, "--dry-run")
    assert dry.exit_code == 0 and "best of 3 random networks" in dry.output
    assert not (tmp_path / "runs/mine/compare").exists()
    result = invoke(run, *WORDS)
    assert result.exit_code == 0, (result.output, result.exception)
    folder = tmp_path / "runs/mine/compare"
    models = sorted(path for path in folder.iterdir() if is_model(path))
    assert len(models) == 6
    for name in (WINNER, RANDOM, "mobilenet-v3-small"):
        assert name in (folder / "comparison.md").read_text()
    assert "interval" in result.output
    again = open_run("mine-random")
    assert len(again.ranked) == 3 and again.config.sampler.sampler == "random"
    # Only a missing training is repeated, and the table stays the same.
    table = (folder / "comparison.csv").read_text()
    before = {path: (path / "model.json").stat().st_mtime_ns for path in models}
    (models[0] / "model.json").unlink()
    result = invoke(run, *WORDS)
    assert result.exit_code == 0, (result.output, result.exception)
    after = {path: (path / "model.json").stat().st_mtime_ns for path in models}
    assert {path for path in models if before[path] != after[path]} == {models[0]}
    exact = [
        [cell for cell in text.splitlines()[1].split(",") if "." in cell]
        for text in (table, (folder / "comparison.csv").read_text())
    ]
    assert exact[0][:3] == exact[1][:3]
    # A comparison with another recipe needs another folder.
    with pytest.raises(UserError, match="another recipe"):
        CliRunner().invoke(search, ["compare", run, *WORDS, "recipe.clip=2"], catch_exceptions=False)


def test_all_contenders_are_trained_alike(run):
    plan = plan_of(run, {"networks": "v2-b0", "recipe.epochs": 3, "random": 0})
    every = list(comparing.contenders(plan, None))
    tasks = [comparing.task_of(plan, one, 5) for one in every]
    assert [one.name for one in every] == [WINNER, "v2-b0"]
    assert tasks[0].recipe == tasks[1].recipe and tasks[0].source == tasks[1].source and tasks[1].seed == 5
    assert tasks[0].trial == open_run(run).best.number and tasks[1].trial is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"network": "b0"}, "Did you mean 'networks'"),
        ({"networks": "b00"}, "Did you mean 'b0'"),
        ({"seeds": 0}, "seeds=0"),
        ({"proxy.epochs": 2}, "Unknown group 'proxy'"),
        ({"recipe": "smal"}, "Did you mean 'small'"),
        ({"random": "nothing"}, "Unknown run 'nothing'"),
    ],
)
def test_invalid_settings_are_refused(run, words, why):
    with pytest.raises(UserError, match=why):
        comparing.random_search(plan_of(run, words), print, driver.Silent())


@pytest.mark.slow
def test_trainings_are_models(run, tmp_path):
    result = invoke(run, *WORDS[1:], "seeds=1", "random=0", "out=there")
    assert result.exit_code == 0, (result.output, result.exception)
    (winner,) = (tmp_path / "there").glob("winner-*")
    assert load_model(winner).provenance.run == run
    assert "may be chance" in result.output
