"""Deaths of the driver are counted apart from attempts, which fail with their worker."""

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from helpers.quick import QUICK

from search import launch, open_run, resume
from search.engine.engine import INTERRUPTIONS
from search.runs.run import LEDGER
from search.testing import looked_up
from search.trials.ledger import Ledger

DRIVER = """
import sys, time
from pathlib import Path
from helpers.quick import QUICK
from search import launch, resume
from search.engine.display import Silent
from search.testing import looked_up

class Ready(Silent):
    def begin(self, path, source):
        print("ready", flush=True)
        return super().begin(path, source)

def evaluate(request, report):
    time.sleep(0.2)
    return looked_up(request, report)

settings = {**QUICK, "trials": 30, "reward": "accuracy", "finals": "off"}
if Path("runs/r").exists():
    resume("r", display=Ready(), evaluate=evaluate)
else:
    launch(settings, display=Ready(), evaluate=evaluate)
"""


def stopping_at(number):
    def evaluate(request, report):
        if request.number == number:
            raise KeyboardInterrupt
        return looked_up(request, report)

    return evaluate


def record(number):
    with closing(Ledger(Path("runs/r") / LEDGER)) as ledger:
        return ledger.records(ledger.noted("fidelity"))[number]


def die(number, evaluate=None):
    """Leave a trial running, as a driver that is killed does, and resume."""
    with closing(Ledger(Path("runs/r") / LEDGER)) as ledger:
        ledger.begin(number, record(number).attempt)
    return resume("r", evaluate=evaluate or looked_up)


@pytest.mark.usefixtures("at_home")
def test_only_a_network_that_takes_the_driver_down_each_time_is_given_up():
    with pytest.raises(KeyboardInterrupt):
        launch({**QUICK, "trials": 2, "reward": "accuracy"}, evaluate=stopping_at(1))
    assert (record(1).state, record(1).attempt, record(1).interruptions) == ("waiting", 1, 0)
    for deaths in range(1, INTERRUPTIONS):
        with pytest.raises(KeyboardInterrupt):
            die(1, stopping_at(1))
        assert (record(1).state, record(1).attempt, record(1).interruptions) == ("waiting", 1, deaths)
    run = die(1)
    assert run.trials[0].state == "complete"
    assert run.trials[1].state == "failed"
    assert run.trials[1].reason == f"the driver died {INTERRUPTIONS} times during its training"


@pytest.mark.usefixtures("at_home")
def test_a_trial_that_was_interrupted_has_all_its_attempts():
    with pytest.raises(KeyboardInterrupt):
        launch({**QUICK, "trials": 2, "reward": "accuracy"}, evaluate=stopping_at(1))
    run = die(1)
    assert [(trial.state, trial.attempt) for trial in run.trials] == [("complete", 1)] * 2


@pytest.mark.slow
def test_twenty_kills_at_random_moments_lose_no_trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[2]}:{Path(__file__).parents[3]}")
    (tmp_path / "driver.py").write_text(DRIVER)
    rng = random.Random(0)
    for _ in range(20):
        with subprocess.Popen([sys.executable, "driver.py"], stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0, 0.4))
            driver.send_signal(signal.SIGKILL)
    subprocess.run([sys.executable, "driver.py"], check=True)
    run = open_run("r")
    assert [trial.state for trial in run.trials if trial.state != "duplicate"] == ["complete"] * 30
    assert {trial.attempt for trial in run.trials} == {1}
