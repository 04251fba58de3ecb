"""Runs, trials and models as bases: `--base RUN` and `RUN:12`."""

from contextlib import closing
from dataclasses import replace

import pytest
from click.testing import CliRunner
from helpers.quick import QUICK

from scaling import resolve, scale
from scaling.cli.main import cli
from search import Stopped, launch, open_run, resume
from search.engine.proposals import Sampled
from search.models.model import read_document
from search.proxy.evaluate import TrialFailed
from search.runs.run import LEDGER
from search.testing import looked_up
from search.trials.ledger import Ledger
from space import CATALOG, UserError

pytestmark = pytest.mark.usefixtures("at_home")

SMALL = {**QUICK, "trials": 5}


def until(number, what):
    def evaluate(request, report):
        if request.number == number:
            raise what
        return looked_up(request, report)

    return evaluate


def test_the_best_of_a_finished_run(tmp_path):
    run = launch(SMALL, evaluate=looked_up)
    for path in ("r", "runs/r", "./runs/r", str(tmp_path / "runs/r")):
        assert resolve(path).architecture == run.best.architecture
        assert resolve(path).name == "r"


def test_a_trial():
    run = launch(SMALL, evaluate=looked_up)
    for word in ("runs/r:3", "r:3"):
        base = resolve(word)
        assert (base.name, base.architecture) == ("r-3", run.trial(3).architecture)
    assert resolve("r:best").architecture == run.best.architecture


def test_the_folder_of_a_model(tmp_path):
    words = ["--base", "b0", "--phi", "0.5", "--save", str(tmp_path)]
    assert CliRunner().invoke(cli, words, catch_exceptions=False).exit_code == 0
    assert resolve(str(tmp_path / "b0-compound-phi0.5")).architecture == scale("b0", 0.5).architecture


def test_saved_networks_have_the_provenance_of_the_run_but_published_ones_have_not(tmp_path):
    launch(SMALL, evaluate=looked_up)
    words = f"--base r --phi 1 --published --family xception --save {tmp_path}/d".split()
    assert CliRunner().invoke(cli, words, catch_exceptions=False).exit_code == 0
    found = {path.name: read_document(path).provenance for path in (tmp_path / "d").iterdir()}
    assert {name: (own.run, own.data) for name, own in found.items()} == {
        "r-compound-phi1": ("r", "shapes"),
        "xception": ("", ""),
    }


def test_completed_words_are_accepted():
    launch(SMALL, evaluate=looked_up)
    option = next(option for option in cli.params if option.name == "base")
    context = cli.make_context("scale", ["--phi", "1"])
    words = [item.value for typed in ("r", "r:") for item in option.shell_complete(context, typed)]
    assert {"r", "r:0"} <= set(words)
    for word in words:
        assert resolve(word).architecture


def test_an_unfinished_run_has_no_best_but_complete_trials():
    with pytest.raises(KeyboardInterrupt):
        launch(SMALL, evaluate=until(2, KeyboardInterrupt()))
    with pytest.raises(
        UserError, match=r"unfinished\. Finish it: search resume r; or name a trial: runs/r:0"
    ) as refusal:
        resolve("runs/r")
    assert "\n" not in str(refusal.value)
    assert resolve("runs/r:1").architecture == open_run("r").trial(1).architecture
    with pytest.raises(UserError, match="Trial 2 of the run r is waiting"):
        resolve("runs/r:2")
    resume("r", evaluate=looked_up)
    assert resolve("runs/r").architecture == open_run("r").best.architecture


def test_a_run_that_failures_or_ctrl_c_ended_is_unfinished(monkeypatch):
    """No trial waits or runs during a proposal, nor after the failures of a search with only a budget."""

    def interrupted(self, trials):
        if len(trials) == 3:
            raise KeyboardInterrupt
        return proposed(self, trials)

    proposed = Sampled.next
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Sampled, "next", interrupted)
        launch(SMALL, evaluate=looked_up)
    with pytest.raises(UserError, match="unfinished"):
        resolve("runs/r")
    settings = {**SMALL, "run": "hour", "trials": None, "budget": 3600}
    with pytest.raises(Stopped):
        launch(settings, evaluate=always_failing)
    with pytest.raises(UserError, match=r"unfinished\. Finish it: search resume hour$"):
        resolve("runs/hour")


def test_a_run_whose_finals_were_interrupted_has_no_best_yet():
    with pytest.raises(KeyboardInterrupt):
        launch({**SMALL, "finals.top": 2, "finals.seeds": 2}, evaluate=until(6, KeyboardInterrupt()))
    with pytest.raises(UserError, match="unfinished"):
        resolve("runs/r")


def test_a_run_that_its_budget_ended_is_finished():
    """Also with a waiting trial that was proposed too late to be trained."""
    run = launch(SMALL | {"budget": 0.3, "trials": None}, evaluate=looked_up)
    assert resolve("runs/r").architecture == run.best.architecture
    with closing(Ledger(run.path / LEDGER)) as ledger:
        last = ledger.records(ledger.noted("fidelity"))[-1]
        ledger.add(replace(last, number=last.number + 1, state="waiting"))
    assert resolve("runs/r").architecture == run.best.architecture


def test_a_run_in_which_all_failed_has_no_best():
    with pytest.raises(Exception, match="failures in a row"):
        launch(SMALL | {"max_failures": 2}, evaluate=always_failing)
    with pytest.raises(UserError, match=r"unfinished|no complete trial"):
        resolve("runs/r")


def always_failing(request, report):
    raise TrialFailed("no such luck")


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("runs/q", "Unknown base 'runs/q'"),
        ("runs/r:99", "no trial 99; permitted: 0 to 4"),
        ("q", "Unknown base 'q'"),
    ],
)
def test_other_words_are_refused(base, message):
    launch(SMALL, evaluate=looked_up)
    with pytest.raises(UserError, match=message):
        resolve(base)


def test_a_published_name_takes_precedence_over_a_run():
    launch(SMALL | {"run": "b0"}, evaluate=looked_up)
    assert resolve("b0").architecture == CATALOG["b0"].architecture
    assert resolve("runs/b0").architecture.classes == 10
