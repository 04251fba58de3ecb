"""The finals through `launch` and `resume`, with evaluations that train nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.evaluations import Counting
from helpers.quick import QUICK

from search import Stopped, launch, open_run, resume
from search.cli.screen import show_run
from search.engine.display import Silent
from search.engine.proposals import Sampled
from search.proxy.evaluate import Result, TrialFailed
from search.testing import looked_up
from search.trials.ledger import Ledger, LedgerFailed
from search.trials.records import FinalTraining
from space import UserError

pytestmark = pytest.mark.usefixtures("at_home")

BARE = {**QUICK, "reward": "accuracy", "trials": 6}
SMALL = {**BARE, "finals.top": 3, "finals.seeds": 2}


class Listening(Silent):
    def __init__(self):
        self.told, self.notes = [], []

    def finished(self, trial):
        self.told.append(trial.number)

    def note(self, text):
        self.notes.append(text)


def test_the_best_are_trained_again_and_counted_apart():
    evaluate, display = Counting(), Listening()
    run = launch(SMALL, evaluate=evaluate, display=display)
    assert [trial.state for trial in run.trials] == ["complete"] * 6
    assert display.told == list(range(6))
    assert sorted(evaluate.finals) == [1, 1, 1, 2, 2, 2]
    assert len(set(evaluate.seeded)) == 12
    again = [trial.number for trial in run.trials if trial.final_trainings]
    assert sorted(again) == sorted(trial.number for trial in run.ranked[:3])
    assert run.best == run.verdict.winner
    assert run.best.final_terms.reward == max(run.trials[n].final_terms.reward for n in again)
    notes = [note for note in display.notes if note.startswith("trial ")]
    assert [note.endswith(f"{done} of 6") for done, note in enumerate(notes, start=1)] == [True] * 6


def test_workers_train_them_side_by_side():
    run = launch({**SMALL, "executor": "local", "executor.workers": 2}, evaluate=looked_up)
    assert [len(trial.final_accuracies) for trial in run.ranked[:4]] == [2, 2, 2, 0]


def test_a_short_search_has_none_and_off_means_none():
    evaluate = Counting()
    assert launch(BARE, evaluate=evaluate).verdict is None
    run = launch({**BARE, "finals": "off", "trials": 20, "run": "off"}, evaluate=evaluate)
    assert run.best == run.ranked[0]
    assert evaluate.finals == []
    run = launch({**BARE, "trials": 20, "run": "auto"}, evaluate=evaluate)
    assert len(evaluate.finals) == 6


def test_a_finished_run_has_finals_when_it_is_asked_for_them():
    launch({**BARE, "finals": "off"}, evaluate=looked_up)
    assert open_run("r").verdict is None
    run = resume("r", {"finals": "full"}, evaluate=looked_up)
    assert len(run.verdict.standing) == 5
    assert [len(trial.final_accuracies) for trial in run.ranked] == [3] * 5 + [0]
    with pytest.raises(UserError, match="permitted: trials, budget, max_failures, executor, finals"):
        resume("r", {"reward.w": 0})


def test_more_trials_have_finals_of_their_own_and_nothing_is_done_twice():
    evaluate = Counting()
    launch(SMALL, evaluate=evaluate)
    run = resume("r", {"trials": 14}, evaluate=evaluate)
    assert len(evaluate.seeded) == len(set(evaluate.seeded))
    assert all(len(trial.final_accuracies) == 2 for trial in run.ranked[:3])
    assert run.verdict.winner == run.best


def test_ctrl_c_in_the_finals_gives_back_what_was_at_work():
    stopping = Counting(lambda request: KeyboardInterrupt() if request.seed == 2 else None)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            resume("r", evaluate=stopping) if Path("runs/r").exists() else launch(SMALL, evaluate=stopping)
    run = open_run("r")
    assert run.verdict is None
    assert run.best == run.ranked[0]
    assert [(repeat.state, repeat.attempt) for repeat in run.ranked[0].final_trainings] == [
        ("complete", 1),
        ("waiting", 1),
    ]
    rest = Counting()
    assert resume("r", evaluate=rest).verdict
    assert rest.finals == [2, 2, 2]


def test_a_final_training_that_was_running_when_the_driver_died_keeps_its_attempts(tmp_path):
    launch({**SMALL, "finals.top": 0}, evaluate=looked_up)
    best = open_run("r").ranked[0]
    ledger = Ledger(tmp_path / "runs/r/trials.sqlite")
    fidelity = ledger.noted("fidelity")
    ledger.record_final(best.architecture.digest, fidelity, FinalTraining(1, 2, "running"))
    ledger.record_final(best.architecture.digest, fidelity, FinalTraining(2, 3, "running", interruptions=9))
    ledger.close()
    run = resume("r", {"finals.top": 1, "finals.seeds": 2}, evaluate=looked_up)
    first, second = run.ranked[0].final_trainings
    assert (first.state, first.attempt) == ("complete", 2)
    assert (second.state, second.reason) == ("failed", "the driver died 10 times during this training")
    assert run.verdict.winner.number == best.number


def test_the_networks_own_failure_is_kept_and_the_machines_is_tried_again():
    def fails(request):
        if request.seed == 1 and request.attempt == 1:
            return OSError("no space left on device")
        return TrialFailed("the loss became nan") if request.seed == 2 else None

    display = Listening()
    run = launch(SMALL, evaluate=Counting(fails), display=display)
    for trial in run.ranked[:3]:
        one, two = trial.final_trainings
        assert (one.state, one.attempt) == ("complete", 2)
        assert (two.state, two.reason) == ("failed", "the loss became nan")
    assert run.verdict.winner.final_accuracies
    assert any("failed: the loss became nan; 4 of 6" in note for note in display.notes)


def test_a_machine_that_fails_every_time_ends_in_the_best_of_the_search():
    run = launch(SMALL, evaluate=Counting(lambda request: OSError("gone") if request.seed else None))
    assert {repeat.reason for trial in run.trials for repeat in trial.final_trainings} == {"OSError: gone"}
    assert run.verdict is None
    assert run.best == run.ranked[0]


def diverging(request, report):
    found = looked_up(request, report)
    return Result.from_dict(found.to_dict() | {"loss": float("nan")}) if request.seed else found


def test_a_result_that_is_not_finite_is_a_failure():
    run = launch(SMALL, evaluate=diverging)
    reasons = {repeat.reason for trial in run.trials for repeat in trial.final_trainings if repeat.over}
    assert all("not a finite result: accuracy" in reason and "loss nan" in reason for reason in reasons)


def test_a_search_that_was_stopped_by_failures_has_none():
    evaluate = Counting(lambda request: TrialFailed("no luck") if request.number > 3 else None)
    with pytest.raises(Stopped, match="no luck"):
        launch({**SMALL, "trials": 40}, evaluate=evaluate)
    assert evaluate.finals == []


def test_a_space_that_is_exhausted_has_its_finals():
    evaluate = Counting()
    pinned = {"space.stages.*.op": "mb", "space.stages.*.expand": 4, "space.stages.*.kernel": 3}
    launch({**SMALL, **pinned, "trials": 200}, evaluate=evaluate)
    assert len(evaluate.finals) == 6


def test_a_search_that_had_no_more_to_propose_is_over_after_a_ctrl_c_in_its_finals_too():
    pinned = {"space.stages.*.op": "mb", "space.stages.*.expand": 4, "space.stages.*.kernel": 3}

    def interrupted(request, report):
        if request.seed == 2:
            raise KeyboardInterrupt
        return looked_up(request, report)

    with pytest.raises(KeyboardInterrupt):
        launch({**SMALL, **pinned, "trials": 200}, evaluate=interrupted)
    halted = open_run("r")
    assert halted.ended.startswith("every network of the space")
    assert halted.searched
    assert not halted.over
    assert any("search resume r" in str(line) for line in show_run(halted))
    again = Counting()
    run = resume("r", evaluate=again)
    assert set(again.finals) == {2}
    assert (run.ended, run.over, run.left) == (halted.ended, True, 0)
    assert run.verdict


def test_a_search_with_a_budget_alone_is_not_over_while_a_final_is_at_work():
    def interrupted(request, report):
        if request.seed == 2:
            raise KeyboardInterrupt
        return looked_up(request, report)

    searched = launch({**BARE, "finals": "off"}, evaluate=looked_up)
    assert searched.over
    with pytest.raises(KeyboardInterrupt):
        resume("r", {"finals.top": 3, "finals.seeds": 2}, evaluate=interrupted)
    left = open_run("r")
    assert not left.over


def test_nothing_is_begun_when_the_budget_is_spent():
    short = launch({**SMALL, "budget": 1e-9}, evaluate=looked_up)
    assert not any(trial.final_trainings for trial in short.trials)


def test_a_final_whose_result_finds_no_room_on_the_disk_is_not_an_attempt_less(monkeypatch):
    def full(self, digest, fidelity, repeat):
        if repeat.over:
            raise LedgerFailed("The ledger could not be written: database or disk is full.")
        return kept(self, digest, fidelity, repeat)

    kept = Ledger.record_final
    for again in range(4):
        with monkeypatch.context() as patch, pytest.raises(LedgerFailed):
            patch.setattr(Ledger, "record_final", full)
            resume("r", evaluate=looked_up) if again else launch(SMALL, evaluate=looked_up)
        (repeat,) = [repeat for trial in open_run("r").trials for repeat in trial.final_trainings]
        assert (repeat.state, repeat.attempt) == ("waiting", 1)
    assert resume("r", evaluate=looked_up).verdict


def test_a_trial_that_was_proposed_as_the_budget_ran_out_is_not_still_to_come(monkeypatch):
    """Trials are looked up as 20 s long and take 5, so that after the finals there seems to be time for more."""
    clock = [0.0]
    monkeypatch.setattr(
        "search.engine.engine.time", SimpleNamespace(monotonic=lambda: clock[0], time=time.time)
    )

    class Slow(Sampled):
        def next(self, trials):
            clock[0] += 20 if len(trials) == 5 else 0
            return super().next(trials)

    def evaluate(request, report):
        clock[0] += 5
        return replace(looked_up(request, report), seconds=20.0)

    monkeypatch.setattr("search.engine.launch.Sampled", Slow)
    settings = {**SMALL, "trials": None, "budget": 100, "finals.top": 2, "finals.seeds": 1}
    run = launch(settings, evaluate=evaluate)
    assert [trial.state for trial in run.trials] == ["complete"] * 5 + ["waiting"]
    assert (run.verdict.winner, run.seconds) == (run.best, 55)
    assert (run.over, run.searched, run.left) == (True, True, 0)
    assert not any("search resume" in str(line) for line in show_run(run))
    more = resume("r", {"budget": 118}, evaluate=evaluate)
    assert [trial.state for trial in more.trials] == ["complete"] * 6


def test_a_run_is_over_when_its_driver_came_to_the_end_and_not_when_it_went_on():
    assert launch(SMALL, evaluate=looked_up).over
    with pytest.raises(KeyboardInterrupt):
        resume("r", {"trials": 7}, evaluate=Counting(lambda request: KeyboardInterrupt()))
    halted = open_run("r")
    assert (halted.over, halted.searched) == (False, False)
    assert resume("r", evaluate=looked_up).over


def test_steps_are_not_measured_again():
    asked = []

    def evaluate(request, report):
        asked.append((request.seed, request.reference))
        return looked_up(request, report)

    run = launch({**SMALL, "reward": "effv2"}, evaluate=evaluate)
    assert all(bool(reference) == (seed == 0) for seed, reference in asked)
    best = run.verdict.winner
    assert [term.ratio for term in best.final_terms.costs] == [term.ratio for term in best.terms.costs]


def test_kill_9_in_the_finals_loses_and_repeats_nothing(tmp_path):
    """The driver is killed again and again while the best are trained again; what it had told of is kept."""
    script = tmp_path / "drive.py"
    script.write_text(
        textwrap.dedent("""
        import os, time
        from search import launch, resume
        from search.engine.display import Silent
        from search.testing import looked_up

        class Told(Silent):
            def note(self, text):
                if text.startswith("trial"):
                    print(text, flush=True)

        def logged(request, report):
            time.sleep(0.03)
            with open("evaluated.txt", "a") as log:
                log.write(f"{request.architecture} {request.seed}\\n")
            return looked_up(request, report)

        if __name__ == "__main__":
            settings = {"space": "tiny_space", "data.images": 100, "data.test_images": 20, "run": "k",
                        "proxy.resolution": 16, "sampler": "random", "trials": 5, "executor.workers": 2,
                        "finals.top": 4, "finals.seeds": 3, "reward.w": 0}
            if os.path.exists("runs/k"):
                resume("k", {}, display=Told(), evaluate=logged)
            else:
                launch(settings, display=Told(), evaluate=logged)
        """)
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told = []
    for stop_after in (2, 5, 1000):
        driver = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )
        for lines, line in enumerate(driver.stdout, start=1):
            told.append(line.partition(":")[0])
            if lines >= stop_after:
                driver.send_signal(signal.SIGKILL)
                break
        told += [line.partition(":")[0] for line in driver.stdout if line.endswith("\n")]
        driver.wait()
        driver.stdout.close()
    run = open_run("k")
    # The four leaders by reward and by accuracy, which need not be the first four by reward.
    assert sorted(len(trial.final_accuracies) for trial in run.trials) == [0, 3, 3, 3, 3]
    assert len(told) == len(set(told))
    assert len(told) >= 12 - 4
    evaluated = Counter((tmp_path / "evaluated.txt").read_text().split("\n"))
    # Only what was at work or not yet told of when the driver died was trained twice: two workers, two kills.
    assert sum(evaluated.values()) - len(evaluated) <= 4
    with sqlite3.connect(tmp_path / "runs/k/trials.sqlite") as database:
        (complete,) = database.execute("SELECT count(*) FROM evaluation WHERE state = 'complete'").fetchone()
    database.close()
    assert complete == 5 + 12
