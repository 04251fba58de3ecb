"""What a tab offers, in every place where it is pressed."""

import subprocess
import sys

import pytest
from helpers.quick import DONE

from scaling.cli.main import cli as scale
from search.cli import completers
from search.cli.main import search
from search.cli.shells import Bash, Fish
from search.runs.networks import find_network
from space import documents

SMALL = {**DONE, "trials": 4}


@pytest.fixture(scope="module", autouse=True)
def done(finished_run):
    return finished_run


@pytest.fixture
def offered(monkeypatch):
    """What is offered for a line, as whole words."""

    def complete(line):
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_WORDBREAKS", "")
        program = scale if line.startswith("scale") else search
        shell = Bash(program, {}, line.split()[0], "_COMPLETE")
        return [word.removeprefix("plain,") for word in shell.complete().splitlines()]

    return complete


def test_verbs_and_options(offered):
    assert offered("search la") == ["launch"]
    assert offered("search export --co") == ["--columns"]


def test_reports_and_loggers(offered):
    assert offered("search report ") == ["done"]
    assert offered("search report done --baseline ") == ["done"]
    assert offered("search launch --log ten") == ["tensorboard"]


def test_keys(offered):
    keys = offered("search launch space=effv2 ")
    assert {"data=", "trials=", "proxy."} <= set(keys)
    assert "space=" not in keys
    assert offered("search launch pro") == ["proxy=", "proxy."]
    assert offered("search launch proxy.ep") == ["proxy.epochs="]
    assert "data.path=" in offered("search launch data=npz data.")
    assert "data.images=" not in offered("search launch data=npz data.")


def test_runs_to_start_from_and_objectives_to_score_by(offered):
    assert offered("search launch from=") == ["from=done"]
    assert offered("search rescore done limit.st") == ["limit.step="]
    assert offered("search rescore done pro") == []


def test_names_of_a_group(offered):
    assert offered("search launch space=") == [f"space={name}" for name in documents.names("space")]
    assert offered("search launch space=around:mobilenet-v1") == ["space=around:mobilenet-v1"]
    assert "space=inside:b0" in offered("search launch space=inside:")
    assert offered("search launch space=./my") == ["file,./my"]


def test_values(offered):
    assert offered("search launch data.flip=") == ["data.flip=true", "data.flip=false"]
    assert "proxy.epochs=3" in offered("search launch proxy.epochs=")
    assert offered("search launch data.path=ph") == ["file,ph"]
    assert offered("search launch space=tiny_space 'space.stages.*.op=") == [
        "space.stages.*.op=fused",
        "space.stages.*.op=mb",
    ]
    assert offered("search launch space=tiny_space space.stages.1.kernel=") == [
        "space.stages.1.kernel=3",
        "space.stages.1.kernel=5",
    ]


def test_runs_and_their_trials_best_first(offered, done, monkeypatch):
    for verb in ("export", "resume", "status", "show"):
        assert offered(f"search {verb} do") == ["done"]
    trials = [f"done:{trial.number}" for trial in done.ranked]
    answers = ["done:best", "done:most-accurate", "done:cheapest"]
    assert offered("search show done:") == offered("scale --base done:") == [*trials, *answers]
    # Of a long run only the best trials are offered, and still all answers.
    monkeypatch.setattr(completers, "_TRIALS", 2)
    assert offered("search show done:") == [*trials[:2], *answers]
    assert [find_network(word).architecture for word in trials] == [t.architecture for t in done.ranked]
    assert {find_network(word).run.name for word in answers} == {"done"}


def test_networks_and_spaces(offered):
    assert "v2-s" in offered("search show v2-")
    assert offered("search show space=ti") == ["space=tiny_space"]
    assert offered("search show space=tiny_space space.he") == ["space.head.width="]
    assert "b0" in offered("scale --base b")
    assert offered("scale --rule comp") == ["compound"]


def test_formats_and_columns(offered):
    assert "parquet" in offered("scale --format ")
    assert "optuna" in offered("search export done --format ")
    assert offered("search export done --columns reward,acc") == ["reward,accuracy"]
    assert "reason" not in offered("search export done --pareto ")


@pytest.mark.parametrize(
    "line", ["search launch space=nope space.", "search show nothing:", "search launch spce=x pro.x"]
)
def test_what_is_wrong_before_it_is_no_error(line, offered):
    assert offered(line) == []


def test_fish_says_what_a_word_is(monkeypatch):
    monkeypatch.setenv("COMP_LINE", "search launch proxy.ep")
    (line,) = Fish(search, {}, "search", "_SEARCH_COMPLETE").complete().splitlines()
    assert line.startswith("plain,proxy.epochs=\t")


@pytest.mark.parametrize(
    "line", ["search launch proxy=small proxy.", "search launch space=e", "search export "]
)
def test_a_tab_imports_nothing_heavy(line):
    code = (
        "import sys; from search.cli import main as cli; sys.argv = ['search']\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'optuna', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {"COMP_LINE": line, "_SEARCH_COMPLETE": "bash_complete", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
