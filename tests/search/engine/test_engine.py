"""The engine through `launch` and `resume`, with evaluations that train nothing."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.quick import QUICK

import experiments
from search import Stopped, launch, open_run, resume
from search.config import Config
from search.engine import launch as driver
from search.engine.engine import Engine
from search.engine.proposals import Sampled
from search.executors import EXECUTORS, Executor
from search.proxy.evaluate import TrialFailed
from search.runs.names import CONFIG, runs, split
from search.samplers import SAMPLERS
from search.testing import fails_once, looked_up, misbehaving
from search.trials.ledger import Ledger
from space import Space, UserError, cost

pytestmark = pytest.mark.usefixtures("at_home")

SMALL = {**QUICK, "finals": "off"}


def searched(**settings):
    return launch({**SMALL, **settings}, evaluate=looked_up)


def networks(run):
    return [str(trial.architecture) for trial in run.trials if trial.state != "duplicate"]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trains_as_many_distinct_networks_as_asked(sampler):
    run = searched(trials=20, sampler=sampler)
    assert sum(trial.state == "complete" for trial in run.trials) == 20
    assert len(set(networks(run))) == 20
    assert run.best.terms.reward == max(trial.terms.reward for trial in run.trials)


def test_all_networks_have_the_classes_of_the_data():
    run = searched(trials=3)
    assert {trial.architecture.classes for trial in run.trials} == {10}


@pytest.mark.parametrize(("seconds", "ahead"), [(0.1, False), (30.0, True)])
def test_a_proposal_is_made_ahead_only_where_workers_would_wait_long_for_it(
    seconds, ahead, tmp_path, monkeypatch
):
    """Made when a worker is free, it knows more. Trials take some 40 s by what is looked up."""
    config, clock = Config.of({**SMALL, "trials": 9, "executor": "local", "executor.workers": 2}), [0.0]

    class Slow(Sampled):
        def next(self, trials):
            clock[0] += seconds
            return super().next(trials)

    monkeypatch.setattr(
        "search.engine.engine.time", SimpleNamespace(monotonic=lambda: clock[0], time=time.time)
    )
    with closing(Ledger(tmp_path / "ledger")) as ledger:
        engine = Engine(config, Slow(config), ledger, lambda proxy: "none")
        asked = [engine.next_trial(), engine.next_trial()]
        engine.prepare()
        assert len(engine.trials) == 2, "nothing has finished: nothing is known that could be used"
        result = looked_up(asked[0], lambda epoch, loss: None)
        engine.on_result(0, replace(result, seconds=40.0))
        engine.next_trial()
        engine.prepare()
        assert len(engine.trials) == 3 + ahead


def test_a_small_space_is_searched_to_its_end_and_no_further():
    run = searched(
        trials=200, **{"space.stages.0.expand": 1, "space.stages.2.depth": 0, "space.stages.0.op": "mb"}
    )
    assert len(networks(run)) == len(set(networks(run))) == run.config.space.size


def test_a_grid_is_every_network_once():
    run = searched(trials=200, sampler="grid", **{"space.stages.0.expand": 1, "limit.params": 9000})
    expected = {run.config.space.at(point) for point in run.config.space.points()}
    assert set(networks(run)) == {str(a) for a in expected if cost(a).params <= 9000}
    assert len(networks(run)) == len(set(networks(run)))
    points = [trial.point for trial in run.trials]
    assert len(points) == len(set(points))


def test_duplicates_are_answered_from_the_ledger():
    run = searched(trials=30, sampler="tpe")
    answered = [trial for trial in run.trials if trial.state == "duplicate"]
    assert answered
    for trial in answered:
        first = next(t for t in run.trials if t.architecture == trial.architecture)
        assert (trial.result, trial.terms) == (first.result, first.terms)


def test_limits_reject_before_training():
    space = Space.load("tiny_space")
    sizes = sorted(cost(space.at(point)).params for point in space.points())
    run = searched(trials=10, **{"limit.params": sizes[len(sizes) // 3]})
    assert max(trial.cost.params for trial in run.trials) <= sizes[len(sizes) // 3]
    with pytest.raises(UserError, match=rf"limit.params=10: .* has {sizes[0]:,} params"):
        launch({**SMALL, "run": "none", "limit.params": 10}, evaluate=looked_up)
    with pytest.raises(UserError, match=r"limit.memory=10: the smallest .* has [0-9,]+ bytes of memory"):
        launch({**SMALL, "run": "none", "limit.memory": 10}, evaluate=looked_up)
    assert not Path("runs/none").exists()


@pytest.mark.parametrize("name", ["macs", "size", "activations", "memory"])
def test_every_cost_can_be_limited(name):
    space, reward = Space.load("tiny_space"), Config.of({"space": "tiny_space"}).reward
    costs = sorted(reward.exact_cost(name, space.at(point)) for point in space.points())
    run = searched(trials=10, **{f"limit.{name}": costs[20]})
    assert max(reward.exact_cost(name, trial.architecture) for trial in run.trials) <= costs[20]


@pytest.mark.parametrize("reward", ["effv2", "mnasnet", "mnasnet_hard", "effnet", "tunas"])
def test_every_reward_ranks_a_search(reward):
    run = searched(trials=6, reward=reward)
    assert [trial.terms.reward for trial in run.ranked] == sorted(
        (trial.terms.reward for trial in run.trials), reverse=True
    )
    assert all(t.result.step_ratio is None for t in run.trials) == (reward == "effnet")


def test_a_device_that_is_not_there_is_refused_at_once():
    with pytest.raises(UserError, match="no device 'cuda:99'"):
        searched(**{"proxy.device": "cuda:99"})
    assert not Path("runs").exists()


def test_a_file_of_any_name_can_be_searched():
    """Its name becomes the run's, which has rules of its own."""
    document = Path(experiments.__file__).parent / "settings/space/tiny_space.yaml"
    Path("größe 1 [a].yaml").write_text(document.read_text())
    settings = {key: value for key, value in SMALL.items() if key != "run"}
    run = launch({**settings, "space": "./größe 1 [a].yaml", "trials": 1}, evaluate=looked_up)
    assert run.name.startswith("gr-e-1-a-2")
    assert run.config.space.name == "größe 1 [a]"


def test_the_same_seed_proposes_the_same():
    assert networks(searched(trials=12, run="a")) == networks(searched(trials=12, run="b"))
    assert networks(searched(trials=12, run="c", seed=1)) != networks(open_run("a"))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_interrupted_search_proposes_what_it_would_have(sampler):
    evolving = {"sampler.population": 6} if sampler in ("evolution", "nsga2") else {}
    whole = searched(trials=16, run="whole", sampler=sampler, **evolving)
    searched(trials=9, run="parts", sampler=sampler, **evolving)
    resume("parts", {"trials": 13}, evaluate=looked_up)
    assert networks(resume("parts", {"trials": 16}, evaluate=looked_up)) == networks(whole)


def test_networks_can_keep_their_own_resolution():
    own = {"proxy.resolution": None, "space.resolution": [16, 24], "reward.w": 0}
    run = searched(trials=6, **own)
    assert {trial.architecture.resolution for trial in run.trials} == {16, 24}
    assert resume("r", {"trials": 7}, evaluate=looked_up).config.proxy.resolution is None


def test_a_new_total_holds_for_the_next_resume_too():
    searched(trials=2)
    with pytest.raises(KeyboardInterrupt):
        resume("r", {"trials": 5}, evaluate=interrupted_at(3))
    assert open_run("r").config.settings.trials == 5
    assert len(resume("r", evaluate=looked_up).trials) == 5


def test_a_total_of_what_was_done_trains_nothing_more_and_one_below_is_refused():
    searched(trials=3)
    with pytest.raises(KeyboardInterrupt):
        resume("r", {"trials": 6}, evaluate=interrupted_at(4))
    assert [t.state for t in open_run("r").trials] == ["complete"] * 4 + ["waiting"]
    with pytest.raises(UserError, match="trials=3: 4 trials of the run r are over already"):
        resume("r", {"trials": 3}, evaluate=looked_up)
    assert open_run("r").config.settings.trials == 6
    run = resume("r", {"trials": 4}, evaluate=looked_up)
    assert [t.state for t in run.trials] == ["complete"] * 4 + ["waiting"]


def test_what_failed_by_the_machine_is_tried_again_when_nothing_new_is_left():
    small = {"space.stages.0.expand": 1, "space.stages.1.expand": 1, "space.stages.*.op": "mb"}
    many = {"executor": "local", "executor.workers": 2, "max_failures": 99}
    run = launch({**SMALL, **small, **many, "trials": 200}, evaluate=fails_once)
    assert {trial.state for trial in run.trials} <= {"complete", "duplicate"}
    assert len(networks(run)) == run.config.space.size


def interrupted_at(number):
    def evaluate(request, report):
        if request.number == number:
            raise KeyboardInterrupt
        return looked_up(request, report)

    return evaluate


def test_ctrl_c_gives_the_running_trial_back_without_counting_the_attempt():
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            (resume if os.path.exists("runs/r") else launch)(
                *(("r",) if os.path.exists("runs/r") else ({**SMALL, "trials": 6},)),
                evaluate=interrupted_at(3),
            )
    run = open_run("r")
    assert [(t.state, t.attempt) for t in run.trials] == [("complete", 1)] * 3 + [("waiting", 1)]
    assert all(trial.state == "complete" for trial in resume("r", evaluate=looked_up).trials)


def test_failures_are_kept_with_their_reasons():
    settings = {**SMALL, "trials": 8, "executor": "local", "executor.workers": 2}
    run = launch(settings, evaluate=misbehaving)
    by_number = {trial.number: trial for trial in run.trials}
    assert (by_number[1].state, by_number[1].reason) == ("failed", "the loss became nan")
    assert by_number[2].state == by_number[3].state == "complete"
    assert by_number[2].attempt == by_number[3].attempt == 2
    assert (by_number[4].state, "not a finite result" in by_number[4].reason) == ("failed", True)
    assert run.best.number not in (1, 4)


def always_failing(request, report):
    raise TrialFailed(f"no such luck at step {request.number}")


def test_a_run_that_only_fails_stops_and_says_why():
    with pytest.raises(Stopped, match="4 failures in a row: no such luck at step 3"):
        launch({**SMALL, "trials": 50, "max_failures": 4}, evaluate=always_failing)
    assert len(open_run("r").trials) == 4
    with pytest.raises(UserError, match="no complete trial"):
        _ = open_run("r").best


PINNED = {
    f"space.stages.*.{key}": value
    for key, value in {"op": "mb", "expand": 4, "kernel": 3, "depth": 1}.items()
}


def test_a_search_whose_networks_have_all_failed_is_over_and_says_why():
    with pytest.raises(
        Stopped, match="has been tried; none is complete, the last failed: no such luck"
    ) as stopped:
        launch({**SMALL, **PINNED, "trials": 5}, evaluate=always_failing)
    assert stopped.value.exhausted
    run = open_run("r")
    assert ([trial.state for trial in run.trials], run.over, run.left) == (["failed"], True, 0)


def test_limits_that_no_network_keeps_together_leave_nothing_to_try():
    # Each is kept by some network of the space.
    limits = {"limit.params": 1638, "limit.memory": 1_400_000}
    for sampler in ("random", "grid"):
        name = f"no-{sampler}"
        settings = {**SMALL, **limits, "sampler": sampler, "run": name, "trials": 5}
        with pytest.raises(Stopped, match="no network was found that keeps all limits together") as stopped:
            launch(settings, evaluate=looked_up)
        assert stopped.value.exhausted
        run = open_run(name)
        assert (run.trials, run.ended, run.over) == ((), str(stopped.value), True)


def test_a_space_too_large_to_enumerate_has_not_been_tried_wholly(monkeypatch):
    monkeypatch.setattr("search.samplers.nearest.ENUMERABLE", 0)
    run = launch({**SMALL, **PINNED, "trials": 5}, evaluate=looked_up)
    assert len(run.trials) == 1
    assert run.ended == "random draws found no other network that keeps the limits"


class LosesNodes(Executor):
    """Three times all of its trials are lost at once."""

    @property
    def parallel(self):
        return 6

    def run(self, engine, evaluate):
        for round in range(5):
            requests = [request for _ in range(6) if (request := engine.next_trial())]
            for request in requests:
                if round in (0, 2, 3):
                    engine.on_error(request.number, "the worker's node died", retry=True)
                else:
                    engine.on_result(request.number, looked_up(request, lambda epoch, loss: None))


def test_a_node_that_dies_with_many_trials_is_one_failure(monkeypatch):
    monkeypatch.setitem(EXECUTORS._ours, "loses_nodes", LosesNodes)
    Path("nodes.yaml").write_text("executor: loses_nodes\n")
    run = launch({**SMALL, "executor": "./nodes.yaml", "trials": 12, "max_failures": 3}, evaluate=looked_up)
    assert [trial.state for trial in run.trials if trial.state != "duplicate"] == ["complete"] * 12


def test_a_run_tells_its_pace_from_outside():
    run = replace(searched(trials=4), closed=False)
    half = replace(run, trials=run.trials[:2], seconds=8.0)
    each, workers = run.trials[0].result.seconds, run.config.executor.parallel or 1
    assert (half.rate, half.left) == (0.25, each * -(-2 // workers))
    assert (replace(half, trials=()).rate, replace(run, seconds=8.0).left) == (None, 0.0)
    begun = replace(half, trials=(*half.trials, replace(half.trials[0], state="running")))
    assert [trial.state for trial in begun.running] == ["running"]


def test_a_budget_ends_the_search():
    run = launch({**SMALL, "budget": 0.5}, evaluate=looked_up)
    assert len(run.trials) > 0
    assert run.config.settings.trials is None
    assert run.seconds < 30


def test_names_are_not_taken_twice():
    searched(trials=1)
    with pytest.raises(UserError, match="search resume r"):
        searched(trials=1)


def test_a_refused_launch_leaves_nothing(tmp_path):
    with pytest.raises(UserError):
        searched(trials=0)
    with pytest.raises(UserError):
        launch({**SMALL, "data": "npz", "data.path": "none.npz"}, evaluate=looked_up)
    assert not (tmp_path / "runs").exists()


def test_a_reason_that_is_no_text_is_kept_all_the_same():
    """As in the name of a file that is not UTF-8."""

    def fails(request, report):
        if request.number == 1:
            raise TrialFailed("cannot read photo_\udcff.png")
        return looked_up(request, report)

    run = launch({**SMALL, "trials": 3}, evaluate=fails)
    assert run.trial(1).reason == "cannot read photo_\\udcff.png"


def test_a_run_has_its_ledger_from_the_beginning(monkeypatch):
    """So that who looks at it while it begins sees a run without trials."""

    def looking(*given, **named):
        seen.append(open_run("r").trials)
        return driven(*given, **named)

    seen, driven = [], driver.drive
    monkeypatch.setattr(driver, "drive", looking)
    searched(trials=1)
    assert seen == [()]


def test_a_resume_that_is_refused_changes_nothing():
    images = np.zeros((40, 8, 8, 1), dtype=np.uint8)
    for value in (0, 1):
        np.savez("data.npz", train_x=images + value, train_y=np.arange(40) % 2)
        if not value:
            settings = {"space": "tiny_space", "data": "npz", "data.path": "data.npz", "executor": "serial"}
            before = launch({**settings, "reward.w": 0, "trials": 2, "run": "r"}, evaluate=looked_up)
    kept = (before.path / CONFIG).read_text()
    with pytest.raises(UserError, match="have changed"):
        resume("r", {"trials": 9, "finals.top": 4}, evaluate=looked_up)
    with pytest.raises(UserError, match="cannot keep the ledger"):
        resume("r", {"executor": "ray", "executor.address": "ray://10.0.0.1:1"}, evaluate=looked_up)
    assert (before.path / CONFIG).read_text() == kept
    assert open_run("r").over


def test_changed_data_are_noticed(tmp_path):
    searched(trials=1)
    config = tmp_path / "runs/r/config.yaml"
    config.write_text(config.read_text().replace("difficulty: 0.5", "difficulty: 0.6"))
    assert "difficulty: 0.6" in config.read_text()
    with pytest.raises(UserError, match="have changed, or its proxy"):
        resume("r", evaluate=looked_up)


def test_a_run_that_has_lost_its_ledger_is_not_shown_as_one_without_trials():
    searched(trials=1)
    Path("runs/r/trials.sqlite").unlink()
    with pytest.raises(UserError, match="is missing, and with it all trials"):
        open_run("r")


def test_a_run_is_called_what_finds_it(tmp_path):
    searched(trials=1)
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    assert open_run("../runs/r").name == "../runs/r"
    assert open_run(tmp_path / "runs/r").best.number == 0
    os.chdir(tmp_path / "runs/r")
    assert open_run(open_run(".").name).name == "."


@pytest.mark.parametrize(
    ("name", "parts"),
    [("r:12", ("r", 12)), ("a/b:0", ("a/b", 0)), ("r", ("r", None)), ("r:", ("r:", None)),
     ("r:-1", ("r:-1", None)), ("r:x", ("r:x", None)), ("r:" + "9" * 5000, ("r:" + "9" * 5000, None))],
    ids=lambda value: str(value)[:9],
)  # fmt: skip
def test_trials_have_names(name, parts):
    assert split(name) == parts


@pytest.mark.parametrize("name", ["", "x" * 300, "a\nb"])
def test_a_run_that_cannot_be_is_refused(name):
    with pytest.raises(UserError, match="run"):
        open_run(name)


def test_drafts_of_runs_are_no_runs():
    searched(trials=1)
    shutil.copytree("runs/r", "runs/.s-abc")
    assert runs() == ("r",)


def test_a_run_that_is_not_there_is_refused_with_the_nearest():
    searched(trials=1, run="photos")
    with pytest.raises(UserError, match="Did you mean 'photos'"):
        open_run("fotos")


def test_frame_has_the_columns_of_the_export():
    frame = searched(trials=3).to_dataframe()
    assert len(frame) == 3
    assert {"reward", "accuracy", "params", "macs", "step_ms", "architecture"} <= set(frame.columns)


def test_kill_9_at_any_moment_loses_and_repeats_nothing(tmp_path):
    """The driver is killed again and again; what it had told of is never trained again."""
    script = tmp_path / "drive.py"
    script.write_text(
        textwrap.dedent("""
        import os, sys, time
        from search import launch, resume
        from search.testing import looked_up

        class Told:
            def begin(self, path, engine):
                from contextlib import nullcontext
                return nullcontext()
            def finished(self, trial):
                print(trial.number, flush=True)
            def note(self, text):
                pass

        def logged(request, report):
            time.sleep(0.03)
            with open("evaluated.txt", "a") as log:
                log.write(f"{request.number}\\n")
            return looked_up(request, report)

        if __name__ == "__main__":
            settings = {"space": "tiny_space", "data.images": 100, "data.test_images": 20, "run": "k",
                        "proxy.resolution": 16, "sampler": "random", "trials": 40, "executor.workers": 2,
                        "finals": "off"}
            if os.path.exists("runs/k"):
                resume("k", {}, display=Told(), evaluate=logged)
            else:
                launch(settings, display=Told(), evaluate=logged)
        """)
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told: list[int] = []
    for stop_after in (1, 8, 1000):
        driver = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )
        for lines, line in enumerate(driver.stdout, start=1):
            told.append(int(line))
            if lines >= stop_after:
                driver.send_signal(signal.SIGKILL)
                break
        told += [int(line) for line in driver.stdout if line.endswith("\n")]
        driver.wait()
        driver.stdout.close()
    run = open_run("k")
    assert sum(trial.state == "complete" for trial in run.trials) == 40
    assert len(told) == len(set(told))
    assert all(run.trials[number].state in ("complete", "duplicate") for number in told)
    evaluated = [int(line) for line in (tmp_path / "evaluated.txt").read_text().split()]
    # Only what was running or not yet told of when the driver died was evaluated twice: two workers, two kills.
    assert len(evaluated) - len(set(evaluated)) <= 4
