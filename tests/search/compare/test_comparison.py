"""A comparison from a run of looked-up accuracies, with real trainings of a second in all."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from helpers.exact_costs import EXACT_COSTS, ExactCosts
from helpers.jobs import Elsewhere
from helpers.models import model

from search import launch, open_run
from search.cli.main import search
from search.compare import comparison as comparing
from search.compare.contender import RANDOM, family_of, named_contender
from search.compare.evaluation import read_evaluation, read_looks
from search.compare.levels import lineup
from search.compare.plan import plan_of, task_of
from search.compare.price import all_tasks
from search.compare.rates import representatives
from search.engine.display import Silent
from search.engine.driving import Stopped
from search.engine.launch import resume
from search.models.model import is_model, load_model, save_model
from search.report.compared import compared_section
from search.testing import looked_up
from search.trials.ledger import LedgerFailed
from space import UserError, cost, published
from space.cost.table import exact_cost

WORDS = ["seeds=2", "rates=1", "recipe.epochs=1", "recipe.batch=64", "recipe.device=cpu", "executor=serial"]
WORDS += ["networks=shufflenet-v2-1.0,b0", "match=macs"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture
def _at_home(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setattr(comparing, "resume", partial(resume, evaluate=looked_up))


@pytest.fixture
def run(home, _at_home):
    """The name of a finished run of three trials."""
    if not (home / "runs" / "mine").exists():
        settings = {"space": "tiny_space", "proxy": "tiny", "executor": "serial", "trials": 3, "run": "mine"}
        data = {"data.images": 160, "data.test_images": 40, "sampler": "random", "reward.w": 0}
        launch({**settings, **data}, evaluate=looked_up)
    return "mine"


@pytest.fixture
def compared(run, home):
    """The folder of a finished comparison."""
    folder = home / "runs/mine/compare"
    if not (folder / "comparison.csv").exists():
        invoke(run, *WORDS)
    return folder


def invoke(*words):
    result = CliRunner().invoke(search, ["compare", *words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_a_dry_run_tells_the_networks_and_the_price(run, home):
    out = home / "dry"
    output = invoke(run, *WORDS, f"out={out}", "--dry-run")
    assert "best of 3 random networks" in output and "core-hours" in output
    assert "b0 is left out" in output and "shufflenet-v2-1.0" in output
    assert not out.exists()


def test_a_comparison_is_continued(run, compared):
    folder = compared
    models = sorted(path for path in folder.iterdir() if is_model(path))
    assert len(models) == 6
    for name in (run, RANDOM, "shufflenet-v2-1.0"):
        assert name in (folder / "comparison.md").read_text()
    again = open_run("mine-random")
    assert len(again.ranked) == 3 and again.config.sampler.sampler == "random"
    # Selection has not seen the test split, so a comparison while iterating does not either.
    assert load_model(models[0]).metric("accuracy", "test") is None and not read_looks(folder)
    # Only a missing training is repeated, and the table stays the same.
    table = (folder / "comparison.csv").read_text()
    before = {path: (path / "model.json").stat().st_mtime_ns for path in models}
    for name in ("model.json", "validation.json"):
        (models[0] / name).unlink()
    invoke(run, *WORDS)
    after = {path: (path / "model.json").stat().st_mtime_ns for path in models}
    assert {path for path in models if before[path] != after[path]} == {models[0]}
    exact = [
        [line.split(",")[4] for line in text.splitlines()]
        for text in (table, (folder / "comparison.csv").read_text())
    ]
    assert exact[0] == exact[1]
    (section,) = compared_section(folder)
    assert section.blocks[0].paragraphs[0].startswith("At ")


def test_the_test_split_is_evaluated_once_and_recorded(run, compared):
    folder = compared
    models = {path: (path / "model.json").stat().st_mtime_ns for path in folder.iterdir() if is_model(path)}
    for _ in range(2):
        output = invoke(run, *WORDS, "split=test")
        assert "evaluated once" in output
    assert {path: (path / "model.json").stat().st_mtime_ns for path in models} == models
    (look,) = read_looks(folder)
    assert look["models"] == sorted(path.name for path in models)
    evaluation = read_evaluation(next(iter(models)), "test")
    assert evaluation.images == 40 and evaluation.hits
    # Another recipe needs another folder.
    with pytest.raises(UserError, match="another recipe"):
        CliRunner().invoke(search, ["compare", run, *WORDS, "recipe.clip=2"], catch_exceptions=False)


def test_an_evaluation_equals_the_trainings_own(compared):
    for folder in compared.glob("*seed0"):
        assert (
            read_evaluation(folder, "validation").accuracy
            == load_model(folder).metric("accuracy", "validation").value
        )


def test_a_comparison_on_other_machines_measures_the_same(run, compared, home):
    settings = {word.partition("=")[0]: word.partition("=")[2] for word in WORDS}
    settings |= {"networks": "shufflenet-v2-1.0", "random": 0, "seeds": 1, "out": str(home / "elsewhere")}
    plan = replace(plan_of([run], settings), executor=Elsewhere(executor="serial"))
    found = comparing.compare(plan)
    assert [one.contender.name for one in found.every] == [run, "shufflenet-v2-1.0"]
    for one in found.every:
        folder = comparing.folder_of(plan, one.contender, 0)
        assert one.evaluations == (read_evaluation(compared / folder.name, "validation"),)
        assert load_model(folder).classes == load_model(compared / folder.name).classes


def test_the_table_has_the_latency_that_was_measured(run, home, monkeypatch):
    asked = []

    @contextmanager
    def bench(conditions, reference, fastest):
        def ratio(network):
            asked.append(network)
            return cost(network).macs / 1e6

        yield SimpleNamespace(ratio=ratio, reference_ms=2.0)

    monkeypatch.setattr("search.profiles.latency_bench.latency_bench", bench)
    words = [word for word in WORDS if not word.startswith(("match", "seeds", "networks"))]
    out = home / "by-latency"
    invoke(run, *words, "match=latency", "seeds=1", "random=0", "networks=shufflenet-v2-1.0", f"out={out}")
    lead, rival = json.loads((out / "comparison.json").read_text())["rows"]
    for row in (lead, rival):
        assert row["latency_ms"] == pytest.approx(row["macs"] / 1e6 * 2.0)
    assert rival["share"] == pytest.approx(rival["latency_ms"] / lead["latency_ms"])
    assert len(asked) == len(set(asked)) > 2  # Each network is measured once.


def test_all_contenders_are_trained_alike(run):
    plan = plan_of(
        [run, f"{run}:0", "b0"], {"networks": "shufflenet-v2-1.0", "match": "macs", "rates": 1, "random": 0}
    )
    line = lineup(plan, None, EXACT_COSTS, lambda text: None)
    assert [one.name for one in line.contenders] == [run, f"{run}:0", "b0", "shufflenet-v2-1.0"]
    tasks = [task_of(plan, one, 5) for one in line.contenders]
    assert all(task.recipe == tasks[0].recipe and task.source == tasks[0].source for task in tasks)
    assert all(task.seed == 5 and not task.test and task.architecture.classes == 10 for task in tasks)
    assert [task.trial for task in tasks] == [open_run(run).best.number, 0, None, None]
    assert task_of(plan, line.contenders[0], 5, 2.0).recipe.learning_rate == 2 * plan.recipe.learning_rate


def test_each_family_tries_every_learning_rate_once(run):
    plan = plan_of([run], {"networks": "shufflenet-v2-1.0", "match": "macs", "random": 0, "seeds": 2})
    tasks = all_tasks(plan, lineup(plan, None, EXACT_COSTS, lambda text: None).contenders)
    # Three rates for two networks with the first seed, and one training more of each with the second.
    assert (
        len(tasks) == 8
        and len({(task.architecture, task.seed, task.recipe.learning_rate) for task in tasks}) == 8
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"network": "b0"}, "Did you mean 'networks'"),
        ({"networks": "b00"}, "Did you mean 'b0'"),
        ({"seeds": 0}, "seeds=0"),
        ({"match": "mac"}, "Did you mean 'macs'"),
        ({"rates": "0"}, "factors of the recipe"),
        ({"weights": "b0"}, "not the folder of a model"),
        ({"proxy.epochs": 2}, "Unknown group 'proxy'"),
        ({"recipe": "smal"}, "Did you mean 'small'"),
        ({"random": "nothing"}, "Unknown run 'nothing'"),
        ({"random": -3}, "random=-3: give a number of networks"),
        ({"executor": "ray", "executor.address": "127.0.0.1:9"}, r"The Ray cluster 127\.0\.0\.1:9: nothing"),
    ],
)
def test_invalid_settings_are_refused(run, words, why):
    with pytest.raises(UserError, match=why):
        comparing.random_search(plan_of([run], words), print, Silent())


@pytest.mark.parametrize("error", [Stopped("4 failures in a row: it fails."), LedgerFailed("disk full")])
def test_a_random_search_that_stops_is_a_failure_of_the_comparison(run, error, monkeypatch):
    def stops(*_, **__):
        raise error

    monkeypatch.setattr(comparing, "resume", stops)
    monkeypatch.setattr(comparing, "create", lambda *_: None)
    monkeypatch.setattr(comparing, "open_run", lambda _: open_run(run))
    reason = str(error).rstrip(".")
    with pytest.raises(UserError, match=rf"^The random search {run}-random stopped: {reason}\. Repeat"):
        comparing.random_search(plan_of([run], {}), print, Silent())


def test_a_network_without_images_is_refused(run):
    with pytest.raises(UserError, match="which images"):
        plan_of(["b0"], {})


@pytest.mark.usefixtures("_at_home")
def test_networks_have_the_channels_that_the_data_are_given():
    data = {"data": "shapes", "data.images": 100, "data.channels": 1}
    assert plan_of(["b0"], data).leads[0].architecture.channels == 1


def test_contenders_survive_their_file(run, tmp_path):
    plan = plan_of([run], {"networks": "shufflenet-v2-1.0", "match": "macs", "random": 0})
    file = tmp_path / "contenders.json"
    first = lineup(plan, None, EXACT_COSTS, lambda text: None, file)
    saved = json.loads(file.read_text())
    assert [one["name"] for one in saved] == ["shufflenet-v2-1.0"]

    slower = ExactCosts(lambda network: 2 if network == first.contenders[1].architecture else 1)
    assert lineup(plan, None, slower, lambda text: None, file).contenders == first.contenders


def test_the_same_name_as_it_is_and_as_a_rival_are_two_networks(run, tmp_path):
    settings = {"match": "macs", "random": 0, "networks": "resnet-18"}
    file = tmp_path / "contenders.json"
    lineup(plan_of([run, "shufflenet-v2-1.0"], settings), None, EXACT_COSTS, print, file)
    plan = plan_of([run], {**settings, "networks": "shufflenet-v2-1.0"})
    rivals = [lineup(plan, None, EXACT_COSTS, print, place).contenders[1] for place in (file, None)]
    assert rivals[0] == rivals[1] and rivals[0].share is not None


def test_networks_of_the_same_name_are_families_of_their_own(run, tmp_path):
    network = open_run(run).trial(0).architecture
    models = [str(tmp_path / name / "model") for name in ("one", "two")]
    for folder in models:
        save_model(model(network), tmp_path / folder)
    words = [run, "shufflenet-v2-1.0", str(published("shufflenet-v2-1.0").architecture), *models]
    plan = plan_of(words, {"match": "macs", "random": 0, "networks": "shufflenet-v2-1.0"})
    line = lineup(plan, None, EXACT_COSTS, print)
    given = "shufflenet-v2-1.0, as given"
    assert [one.name for one in line.contenders] == [run, given, *models, "shufflenet-v2-1.0"]
    assert [one.family for one in line.contenders] == [one.name for one in line.contenders]
    assert len(representatives(line.contenders)) == 5
    assert len({comparing.folder_of(plan, one, 0) for one in line.contenders}) == 5


@pytest.mark.usefixtures("_at_home")
def test_a_family_and_rivals_of_its_name_are_two_families():
    family = family_of("b0", [named_contender("b0")[0]])
    data = {"data": "shapes", "data.images": 100}
    for networks, name in (("b0", "b0, as given"), ("resnet-18", "b0")):
        plan = plan_of(family, {**data, "networks": networks})
        assert [lead.family for lead in plan.leads] == [name] and plan.out.name == "b0"


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("random", [5, "drawn"])
def test_a_random_search_without_a_run_is_refused(random):
    data = {"data": "shapes", "data.images": 100}
    for words, why in (
        (["b0"], "a first network that is from no run has"),
        (family_of("b0", [named_contender("b0")[0]]), "families have"),
    ):
        with pytest.raises(
            UserError, match=rf"^random={random}: {why} no random search; permitted: random=null"
        ):
            plan_of(words, {**data, "random": random})
        assert plan_of(words, {**data, "random": 0}).random_run == ""


def test_another_random_search_has_another_best_network(run, tmp_path):
    settings = {"match": "macs", "networks": "b0"}
    first, file = open_run(run), tmp_path / "contenders.json"
    other = replace(first, path=first.path.with_name("other"))
    plan = plan_of([run], settings)
    names = [lineup(plan, random, EXACT_COSTS, print, file).contenders[1].run for random in (first, other)]
    assert names == [first.name, other.name]


def test_a_rival_that_is_the_lead_itself_is_left_out(run):
    plan = plan_of([run], {"match": "macs", "random": 0, "networks": "resnet-18"})
    lead = replace(plan.leads[0], name="resnet-18", architecture=published("resnet-18").architecture)
    line = lineup(replace(plan, leads=(lead,)), None, EXACT_COSTS, print)
    assert line.contenders == (lead,) and "the same network" in line.left_out[0]


@pytest.fixture
def second(_at_home, tmp_path, monkeypatch):
    """The name of a finished run of three trials in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    settings = {"space": "tiny_space", "proxy": "tiny", "executor": "serial", "trials": 3, "run": "second"}
    data = {"data.images": 160, "data.test_images": 40, "sampler": "random", "reward.w": 0}
    launch({**settings, **data}, evaluate=looked_up, display=None)
    return "second"


def test_the_random_search_goes_on_to_a_larger_number_and_not_back_to_a_smaller(second, tmp_path):
    settings = {"match": "macs", "networks": None, "executor": "serial"}
    file, found = tmp_path / "contenders.json", []
    for random, count in ((2, 2), (6, 6), (None, 6)):
        plan = plan_of([second], {**settings, "random": random} if random else settings)
        run = comparing.random_search(plan, print, Silent())
        assert run.finished == count
        lead = replace(
            plan.leads[0],
            architecture=max((t.architecture for t in run.ranked), key=lambda a: exact_cost("macs", a)),
        )
        found.append(lineup(replace(plan, leads=(lead,)), run, EXACT_COSTS, print, file).contenders[1])
    # The best of six replaces the best of two in the file of an earlier comparison.
    assert found[0].origin.endswith(", of 2") and found[1].origin.endswith(", of 6") and found[1] == found[2]
    with pytest.raises(UserError, match="trials=2: 6 trials of the run second-random are over already"):
        comparing.random_search(plan_of([second], {**settings, "random": 2}), print, Silent())


def test_the_random_search_follows_a_run_that_goes_on(second):
    settings = {"match": "macs", "networks": None, "executor": "serial"}
    assert comparing.random_search(plan_of([second], settings), print, Silent()).finished == 3
    comparing.resume(second, {"trials": 6}, display=None)
    output = invoke(second, "match=macs", "networks=null", "--dry-run", *WORDS[:5])
    assert "best of 6 random networks" in output
    assert comparing.random_search(plan_of([second], settings), print, Silent()).finished == 6


def test_published_weights_are_a_row_that_is_fine_tuned(second, tmp_path):
    network = open_run(second).trial(0).architecture
    save_model(model(replace(network, classes=7), classes=tuple("abcdefg")), tmp_path / "pretrained")
    words = [*WORDS[1:5], "match=macs", "random=0", "networks=null", "seeds=1", "weights=pretrained"]
    plan = plan_of([second], {"weights": "pretrained", "random": 0, "networks": None})
    assert [task_of(plan, one, 0).weights for one in (*plan.leads, *plan.others)] == [
        None,
        (tmp_path / "pretrained").absolute(),
    ]
    invoke(second, *words)
    rows = json.loads((tmp_path / "runs/second/compare/comparison.json").read_text())["rows"]
    assert [row["what"] for row in rows] == [second, "pretrained, fine-tuned"]
    assert rows[1]["origin"] == "weights of pretrained" and rows[1]["share"] is None
    assert rows[1]["architecture"] == str(network) and rows[1]["n"] == 1


@pytest.mark.usefixtures("_at_home")
def test_other_images_are_refused_in_the_folder_of_a_comparison(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "ab":
        images = rng.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
        np.savez(tmp_path / f"{name}.npz", train_x=images, train_y=np.arange(60) % 2)
    network = "r16_i8_s1/mb_d1_k3_s2_e2_w8/h16_c2"
    words = [network, *WORDS[1:5], "seeds=1", "networks=null", "data=npz", "out=out"]
    invoke(*words, "data.path=a.npz")
    table = (tmp_path / "out/comparison.csv").read_text()
    with pytest.raises(UserError, match=r"^out/.* was trained on other images"):
        CliRunner().invoke(search, ["compare", *words, "data.path=b.npz"], catch_exceptions=False)
    # The same images may have moved.
    (tmp_path / "a.npz").rename(tmp_path / "c.npz")
    invoke(*words, "data.path=c.npz")
    assert (tmp_path / "out/comparison.csv").read_text() == table


def test_a_random_search_is_created_with_valid_settings_or_not_at_all(second, tmp_path):
    run = open_run(second)
    last = replace(run.config, settings=run.config.settings.model_copy(update={"seed": 2**32 - 1}))
    plan = plan_of([second], {"random": 2, "networks": None, "executor": "serial"})
    assert replace(plan, run=replace(run, config=last)).random_config().settings.seed == 0
    (tmp_path / "runs/second").rename(tmp_path / f"runs/{'s' * 95}")
    with pytest.raises(UserError, match=r"^run=s+-random: string should have at most 100 characters"):
        comparing.random_search(plan_of(["s" * 95], {"networks": None}), print, Silent())
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_the_random_search_has_to_be_one_of_the_same_task(second, tmp_path):
    document = yaml.safe_load((tmp_path / "runs/second/config.yaml").read_text())

    def chosen(random, group="", **changed):
        name = random or "second-random"
        shutil.copytree(tmp_path / "runs/second", tmp_path / "runs" / name, dirs_exist_ok=True)
        other = {**document, group: {**document[group], **changed}} if group else document
        (tmp_path / "runs" / name / "config.yaml").write_text(yaml.safe_dump(other))
        return plan_of([second], {"random": random, "networks": None}).random_found()

    assert chosen("drawn").name == "drawn"
    output = invoke(second, "random=drawn", "match=macs", "networks=null", "--dry-run", *WORDS[:5])
    assert "best of 3 random networks, from a random search in run drawn" in output
    for group, changed in (
        ("space", {"name": "another"}),
        ("data", {"images": 170}),
        ("proxy", {"epochs": 7}),
        ("reward", {"batch": 16}),
    ):
        for random, name in (("drawn", "drawn"), (None, "second-random")):
            with pytest.raises(
                UserError, match=rf"second and {name} differ in {group}.* Give another random=RUN"
            ):
                chosen(random, group, **changed)
    with pytest.raises(UserError, match=r"drawn is no random search: it has sampler=grid\."):
        chosen("drawn", "sampler", sampler="grid")


def test_a_random_search_on_other_images_is_refused(second, tmp_path):
    comparing.random_search(plan_of([second], {"executor": "serial"}), print, Silent())
    file = tmp_path / "runs/second-random/environment.json"
    noted = json.loads(file.read_text())
    noted["data"]["digest"] = "another"
    file.write_text(json.dumps(noted))
    with pytest.raises(UserError, match="differ in images"):
        plan_of([second], {}).random_found()
