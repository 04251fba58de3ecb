"""What a search says at its end."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.runs import filled

from search import open_run
from search.cli.launch import _continue, _nothing_complete, _run

PATH = Path("runs/short")
RUNGS = (SimpleNamespace(epochs=1),)


def ended(trials, *, limit=None, budget=None):
    settings = SimpleNamespace(trials=limit, budget=budget)
    finished = sum(trial.state == "pruned" for trial in trials)
    return SimpleNamespace(
        trials=trials, finished=finished, path=PATH, config=SimpleNamespace(settings=settings)
    )


def trial(state, reason="", rungs=()):
    return SimpleNamespace(state=state, reason=reason, rungs=rungs)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            ended([trial("waiting")], budget=60.0),
            "The budget of 60 s was too short for one trial. Continue with: search resume short budget=30m",
        ),
        (
            ended([trial("pruned", rungs=RUNGS), trial("waiting", rungs=RUNGS)], budget=3600.0),
            "The budget of 3600 s was too short for any network to finish all rungs. "
            "Continue with: search resume short budget=240m",
        ),
        # A limit of trials that was not reached has not ended the search.
        (
            ended([trial("pruned", rungs=RUNGS)], budget=60.0, limit=9),
            "The budget of 60 s was too short for any network to finish all rungs. "
            "Continue with: search resume short budget=30m",
        ),
        (
            ended([trial("pruned", rungs=RUNGS)] * 3, limit=3),
            "No network has finished all rungs yet. Continue with: search resume short trials=12",
        ),
        (
            ended([trial("pruned", rungs=RUNGS), trial("failed", "out of memory.")], budget=60.0),
            "No trial is complete; the last failed: out of memory.",
        ),
    ],
    ids=["no trial", "budget", "budget before trials", "trials", "failed"],
)
def test_what_ended_the_search_is_named_and_how_to_continue(run, message):
    assert _nothing_complete(run) == message


def test_the_next_steps_are_about_the_run_also_where_a_published_network_has_its_name(at_home, capsys):
    run = open_run(filled("runs/b0", complete=2))
    _run(lambda display: run, ())
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"Next: search show b0:{run.best.number}   or   search train b0:best   or   search export b0 --format md"
    )


def test_a_folder_with_blanks_is_quoted():
    assert _continue(Path("my runs/one")) == "Continue with: search resume 'my runs/one'"
