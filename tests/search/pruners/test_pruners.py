"""Rungs through `launch` and `resume`, with evaluations that train nothing."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers.evaluations import Counting
from helpers.quick import QUICK

from search import launch, open_run, resume
from search.cli.screen import show_run, show_trial
from search.config import Config
from search.engine.display import Silent
from search.engine.live import line
from search.executors.serial import Serial
from search.proxy.evaluate import Result, TrialFailed
from search.proxy.proxy import fidelity, shorter
from search.testing import looked_up
from space import UserError

pytestmark = pytest.mark.usefixtures("at_home")

BARE = {**QUICK, "proxy.epochs": 9, "reward.w": 0, "trials": 18, "finals": "off"}
# Whatever the first networks say of the rungs.
SMALL = {**BARE, "pruner": "asha", "pruner.min_correlation": -1, "pruner.gate": 8}


class Listening(Silent):
    def __init__(self):
        self.told, self.notes = [], []

    def finished(self, trial):
        self.told.append(line(trial))

    def note(self, text):
        self.notes.append(text)


def climbed(run):
    """The outcome of a search, without times."""
    return [
        (str(trial.architecture), trial.state, [rung.terms for rung in trial.rungs], trial.terms)
        for trial in run.trials
    ]


def test_networks_are_promoted_or_pruned():
    evaluate, display = Counting(), Listening()
    run = launch(SMALL, evaluate=evaluate, display=display)
    assert len(evaluate.trained) == len(set(evaluate.trained))
    own = [trial for trial in run.trials if trial.state != "duplicate"]
    assert len(own) == 18
    assert [len(trial.rungs) for trial in own[:8]] == [2] * 8
    pruned = [trial for trial in run.trials if trial.state == "pruned"]
    assert 4 <= len(pruned) < 10
    for trial in pruned:
        assert trial.terms is None
        assert trial.result == trial.rungs[-1].result
        assert trial.result.epochs in (1, 3)
    assert all(trial.state == "complete" for trial in run.ranked)
    assert not any(trial.reason for trial in run.trials)
    (note,) = [each for each in display.notes if each.startswith("pruning")]
    assert note.startswith("pruning is on, with rungs of 1, 3 and 9 epochs: rank correlation with 9 epochs, ")
    assert note.endswith(" (-1.00 needed)")
    assert str(run.gate) == note
    assert display.told[0].startswith("trial 0 after 1 epoch: reward ")
    assert display.told[1].startswith("trial 0 after 3 epochs: reward ")
    assert display.told[2].startswith("trial 0 reward ")


def test_each_training_is_an_evaluation_of_its_own_in_the_ledger():
    evaluate = Counting()
    run = launch(SMALL, evaluate=evaluate)
    seeds = {request.proxy.epochs: request.seed for request in evaluate.asked}
    assert seeds == {1: 2**32 - 2, 3: 2**32 - 1, 9: 0}
    with closing(sqlite3.connect(run.path / "trials.sqlite")) as database:
        rows = database.execute("SELECT digest, fidelity, seed, state FROM evaluation").fetchall()
        (noted,) = database.execute("SELECT value FROM meta WHERE key = 'fidelity'").fetchone()
    assert len(rows) == len(set(rows)) == len(evaluate.asked)
    digest = json.loads((run.path / "environment.json").read_text())["data"]["digest"]
    by = {epochs: fidelity(shorter(run.config.proxy, epochs), digest) for epochs in (1, 3, 9)}
    assert noted == by[9]
    assert {(found, seed) for _, found, seed, _ in rows} == {(by[epochs], seeds[epochs]) for epochs in by}


def test_none_is_what_a_search_was_before_there_were_rungs():
    evaluate = Counting()
    run = launch({**BARE, "pruner": "none"}, evaluate=evaluate)
    assert {request.proxy for request in evaluate.asked} == {run.config.proxy}
    assert {request.seed for request in evaluate.asked} == {0}
    assert run.gate is None
    assert not any(trial.rungs for trial in run.trials)


def test_rungs_that_do_not_rank_are_not_used():
    def noisy(request, report):
        found = looked_up(request, report)
        if request.proxy.epochs == 9:
            return found
        return Result.from_dict(
            found.to_dict() | {"accuracy": 0.5 + sum(map(ord, request.architecture)) * 7919 % 97 / 200}
        )

    display = Listening()
    run = launch({**SMALL, "pruner.min_correlation": 0.7}, evaluate=noisy, display=display)
    assert any("pruning is off" in note for note in display.notes)
    assert {trial.state for trial in run.trials} <= {"complete", "duplicate"}


def killed_at(count):
    """An evaluation that leaves in runs/k what kill -9 would, when it is asked for the training after so many."""

    def evaluate(request, report):
        evaluate.asked += 1
        if evaluate.asked == count + 1:
            shutil.copytree("runs/r", "runs/k")
            raise KeyboardInterrupt
        return looked_up(request, report)

    evaluate.asked = 0
    return evaluate


@pytest.mark.parametrize(
    ("sampler", "count"),
    [("random", 2), ("evolution", 23), ("tpe", 32), ("ordinal_gp", 32)],
)
def test_a_killed_search_goes_on_as_if_it_had_not_been(sampler, count):
    """Among the first networks, at the gate's last decision and after it; nothing finished is trained again."""
    settings = {**SMALL, "sampler": sampler} | ({"sampler.population": 6} if sampler == "evolution" else {})
    every = Counting()
    whole = launch({**settings, "run": "whole"}, evaluate=every)
    with pytest.raises(KeyboardInterrupt):
        launch(settings, evaluate=killed_at(count))
    rest = Counting()
    run = resume("k", evaluate=rest)
    assert climbed(run) == climbed(whole)
    assert rest.trained == every.trained[count:]
    # The death of the driver is no attempt of the training that ran.
    assert [request.attempt for request in rest.asked[:2]] == [1, 1]
    assert str(run.gate) == str(whole.gate)


def test_ctrl_c_gives_back_what_climbed_without_counting_the_attempt():
    for _ in range(2):
        stopping = Counting(lambda request: KeyboardInterrupt() if request.proxy.epochs == 3 else None)
        with pytest.raises(KeyboardInterrupt):
            resume("r", evaluate=stopping) if Path("runs/r").exists() else launch(SMALL, evaluate=stopping)
    (trial,) = open_run("r").trials
    assert (trial.state, trial.attempt, len(trial.rungs)) == ("waiting", 1, 1)
    assert climbed(resume("r", evaluate=looked_up)) == climbed(
        launch({**SMALL, "run": "w"}, evaluate=looked_up)
    )


def test_a_network_can_fail_at_any_rung():
    def fails(request):
        if request.number == 2 and request.proxy.epochs == 3:
            return TrialFailed("the loss became nan")
        return OSError("gone") if request.number == 3 and request.proxy.epochs == 9 else None

    run = launch({**SMALL, "max_failures": 9}, evaluate=Counting(fails))
    assert [(t.state, t.reason, len(t.rungs)) for t in run.trials[2:4]] == [
        ("failed", "the loss became nan", 1),
        ("failed", "OSError: gone", 2),
    ]
    assert run.gate.finished == 6
    assert sum(trial.state in ("complete", "pruned", "failed") for trial in run.trials) == 18


def test_one_that_dies_with_its_driver_again_and_again_fails_at_the_rung_it_was_at():
    """The ledger keeps the training that was begun, not the full one."""
    with pytest.raises(KeyboardInterrupt):
        launch(SMALL, evaluate=killed_at(4))
    with closing(sqlite3.connect("runs/k/trials.sqlite")) as database:
        database.execute("UPDATE trial SET state = 'running', interruptions = 9 WHERE state != 'complete'")
        database.commit()
    run = resume("k", evaluate=looked_up)
    failed = next(trial for trial in run.trials if trial.state == "failed")
    with closing(sqlite3.connect("runs/k/trials.sqlite")) as database:
        rows = database.execute("SELECT fidelity, state FROM evaluation WHERE state = 'failed'").fetchall()
        (whole,) = database.execute("SELECT value FROM meta WHERE key = 'fidelity'").fetchone()
    assert failed.reason == "the driver died 10 times during its training"
    assert len(rows) == 1 and rows[0][0] != whole


def test_one_that_was_climbing_is_gone_on_with_whatever_the_new_total():
    climbing = Counting(
        lambda request: KeyboardInterrupt() if request.number > 9 and request.proxy.epochs > 1 else None
    )
    with pytest.raises(KeyboardInterrupt):
        launch({**SMALL, "trials": 40}, evaluate=climbing)
    halted = open_run("r")
    (waiting,) = [trial for trial in halted.trials if trial.state == "waiting" and trial.rungs]
    run = resume("r", {"trials": halted.finished}, evaluate=looked_up)
    assert run.trial(waiting.number).state in ("complete", "pruned")
    assert len(run.trial(waiting.number).rungs) > len(waiting.rungs) or run.trial(waiting.number).terms
    assert run.over


def test_step_times_are_measured_once():
    evaluate = Counting()
    run = launch({**SMALL, "reward.w": -0.07}, evaluate=evaluate)
    assert all(bool(request.reference) == (request.proxy.epochs == 1) for request in evaluate.asked[:24])
    for trial in run.ranked:
        assert trial.result.step_ms == 10
        assert {rung.result.step_ratio for rung in trial.rungs} <= {trial.result.step_ratio}


def test_workers_climb_side_by_side():
    settings = {**SMALL, "executor": "local", "executor.workers": 2}
    run = launch(settings, evaluate=looked_up)
    assert {trial.state for trial in run.trials} <= {"complete", "pruned", "duplicate"}
    assert all(len(trial.rungs) == 2 for trial in run.trials[:8] if trial.state == "complete")


def test_networks_get_the_full_training_while_the_gate_is_undecided(monkeypatch):
    """Two at a time, which end in the order in which they were begun."""

    def two_at_a_time(self, engine, evaluate):
        at_work = []
        while True:
            at_work += [request for _ in range(2 - len(at_work)) if (request := engine.next_trial())]
            if not at_work:
                return
            request = at_work.pop(0)
            engine.on_result(request.number, evaluate(request, lambda epoch, loss: None))

    monkeypatch.setattr(Serial, "run", two_at_a_time)
    run = launch(SMALL, evaluate=looked_up)
    own = [trial for trial in run.trials if trial.state != "duplicate"]
    assert [len(trial.rungs) for trial in own[:8]] == [2] * 8
    assert (own[8].state, own[8].rungs) == ("complete", ())
    assert any(trial.state == "pruned" for trial in own)


def test_more_trials_leave_the_gate_as_it_was_and_train_nothing_twice():
    first, rest = Counting(), Counting()
    run = launch({**SMALL, "trials": 12}, evaluate=first)
    more = resume("r", {"trials": 18}, evaluate=rest)
    assert not set(first.trained) & set(rest.trained)
    assert str(more.gate) == str(run.gate)
    assert sum(trial.state in ("complete", "pruned") for trial in more.trials) == 18


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_several_objectives_climb_by_their_fronts(sampler):
    settings = {**SMALL, "reward": "pareto", "sampler": sampler}
    del settings["reward.w"]
    run = launch(settings, evaluate=looked_up)
    assert {trial.state for trial in run.trials} <= {"complete", "pruned", "duplicate"}
    assert run.gate.decided


def test_the_best_of_the_whole_trainings_are_trained_again():
    evaluate = Counting()
    run = launch({**SMALL, "finals.top": 3, "finals.seeds": 2}, evaluate=evaluate)
    assert [request.proxy.epochs for request in evaluate.asked[-6:]] == [9] * 6
    assert [len(trial.final_accuracies) for trial in run.ranked[:4]] == [2, 2, 2, 0]


def test_a_running_search_is_described():
    with pytest.raises(KeyboardInterrupt):
        launch(SMALL, evaluate=Counting(lambda r: KeyboardInterrupt() if r.number == 14 else None))
    run = open_run("r")
    told = list(map(str, show_run(run)))
    assert str(run.gate) in told
    assert " pruned" in told[1]
    assert 0 < run.left < 1e6
    resting = next(trial for trial in run.trials if trial.state == "pruned")
    assert any(
        each.startswith("low-fidelity training of 1 epoch") for each in map(str, show_trial(run, resting))
    )
    frame = run.to_dataframe()
    row = frame[frame["number"] == resting.number].iloc[0]
    assert (row["state"], row["epochs"]) == ("pruned", resting.result.epochs)
    assert row.isna()["reward"]


@pytest.mark.parametrize("settings", [{"trials": 40}, {"trials": None, "budget": 1e-9}])
def test_what_auto_decided_stays_whatever_a_resume_changes(settings):
    """With fewer trials, or a budget alone, a search that began so would have had no rungs."""
    many = {**BARE, "proxy.epochs": 10, "trials": 50}
    stopping = Counting(lambda request: KeyboardInterrupt() if request.number == 20 else None)
    with pytest.raises(KeyboardInterrupt):
        launch(many, evaluate=stopping)
    begun = open_run("r")
    assert begun.config.pruner.pruner == "asha"
    assert begun.config.ladder.epochs == (1, 3, 10)
    assert resume("r", settings, evaluate=looked_up).config.ladder == begun.config.ladder
    launch({**BARE, "run": "none"}, evaluate=looked_up)
    assert resume("none", {"trials": 60}, evaluate=looked_up).config.pruner.pruner == "none"


def test_a_run_that_kept_auto_is_decided_by_its_first_settings():
    config = Config.of({**BARE, "proxy.epochs": 10, "trials": 50, "pruner": "auto"})
    assert config.pruner.pruner == "auto"
    assert config.resumed({"trials": 40}).ladder == config.ladder


def test_a_pruner_cannot_change_in_a_run_that_has_begun():
    launch({**SMALL, "trials": 1}, evaluate=looked_up)
    with pytest.raises(UserError, match="pruner cannot change in a run that has begun"):
        resume("r", {"pruner": "none"})
