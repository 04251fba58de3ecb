"""The comparison of samplers from the command line, on an invented table: so that the script keeps working."""

import csv
import json
from dataclasses import asdict, replace

import pytest
from helpers.mistakes import told

from experiments.benchmarks.samplers.sample_efficiency import Plan, keep, kept, machines, main, plans
from experiments.benchmarks.samplers.tabular.contestants import CONTESTANTS, contestant, pruned
from experiments.benchmarks.samplers.tabular.recorded import made_up
from experiments.benchmarks.samplers.tabular.simulation import searched

PROBLEM = made_up()
BEST = max(PROBLEM.truths.values())


def untimed(run):
    """What does not depend on how fast this machine is."""
    return {key: value for key, value in asdict(run).items() if not key.endswith("seconds")} | {
        "steps": [(step.trials, step.seen, step.true) for step in run.steps]
    }


def test_a_report_names_the_processor_of_each_sampler():
    run = replace(searched(PROBLEM, "random", contestant("random"), 1, 0, 2), processor="EPYC")
    other = replace(run, sampler="tpe", processor="Xeon")
    assert machines([run, run]) == "EPYC"
    assert machines([run, other, replace(run, sampler="qmc")]) == "random, qmc on EPYC; tpe on Xeon"
    assert machines([replace(run, processor="")]) == "an unknown processor"


def test_three_seeds_of_the_default_and_of_random_search(tmp_path, capsys):
    words = ["--made-up", "--samplers", "random", "auto", "--seeds", "3", "--out", str(tmp_path)]
    main([*words, "--trials", "40"])
    said = capsys.readouterr().out
    assert said.count("made-up auto x1 seed") == 3
    assert {path.name for path in tmp_path.iterdir()} == {
        "searches.jsonl",
        "made-up.md",
        "made-up.csv",
        "made-up.png",
    }
    table = (tmp_path / "made-up.csv").read_text()
    rows = {row["sampler"]: row for row in csv.DictReader(table.splitlines())}
    # Invented accuracies are sums over choices: the model has the best of 124 before its 32nd trial.
    assert float(rows["auto"]["regret_percent_32"]) == 0
    assert float(rows["random"]["regret_percent_32"]) > 0
    assert (tmp_path / "made-up.png").read_bytes().startswith(b"\x89PNG")

    before = (tmp_path / "searches.jsonl").read_text()
    main([*words, "--trials", "40"])
    assert "auto x1 seed" not in capsys.readouterr().out
    assert (tmp_path / "searches.jsonl").read_text() == before


def test_an_incomplete_line_is_run_again(tmp_path):
    path = tmp_path / "searches.jsonl"
    runs = [searched(PROBLEM, "random", contestant("random"), 1, seed, 10) for seed in range(2)]
    for run in runs:
        keep(path, run)
    assert kept(path) == runs
    path.write_bytes(path.read_bytes()[:-9])
    assert kept(path) == runs[:1]
    assert [plan.done(kept(path), PROBLEM) for plan in plans(PROBLEM, ["random"], [1], range(2), 10)] == [
        True,
        False,
    ]
    keep(path, runs[1])
    assert kept(path) == runs
    assert not Plan("random", 1, 0, 11).done(runs, PROBLEM)
    assert json.loads(path.read_text().splitlines()[0])["trials"] == 10


@pytest.mark.parametrize("name", sorted({*CONTESTANTS} - {"auto", "optuna_gp", "gp"}))
@pytest.mark.parametrize("workers", [1, 3])
def test_every_contestant_searches_repeatably(name, workers):
    once, again = (searched(PROBLEM, name, contestant(name), workers, 5, 14) for _ in range(2))
    assert once.trials == 14
    assert once.steps[0].trials == 1
    assert [step.seen for step in once.steps] == sorted(step.seen for step in once.steps)
    assert all(step.true <= BEST + 1e-6 for step in once.steps)
    if workers == 1:
        assert untimed(once) == untimed(again)


@pytest.mark.parametrize("name", ["random+asha", "evolution+asha", "random+one_epoch"])
def test_rungs_cost_what_their_trainings_do(name):
    once, again = (searched(PROBLEM, name, pruned(name)[0], 1, 5, 40, pruned(name)[1]) for _ in range(2))
    assert untimed(once) == untimed(again)
    assert once.trials == 40
    assert once.steps[-1].epochs <= once.epochs < 40 * 9
    if name == "random+one_epoch":
        assert once.epochs == 40 + 5 * 9
        assert once.steps[0].epochs == 40 + 9


def test_searches_with_rungs_are_compared_by_epochs(tmp_path, capsys):
    words = ["--made-up", "--samplers", "random", "random+sha", "--seeds", "2", "--out", str(tmp_path)]
    main([*words, "--trials", "20"])
    table = (tmp_path / "made-up.md").read_text()
    assert "By epochs trained, in whole trainings of 9:" in table
    assert "\n| random+sha | 2 | " in table
    assert "random+sha" not in (tmp_path / "made-up.csv").read_text()
    assert {plan.trials for plan in plans(PROBLEM, ["random+sha"], [1], [0], 20)} == {40}
    assert all(run.epochs == 180 for run in kept(tmp_path / "searches.jsonl") if run.sampler == "random")


def test_workers_take_simulated_time():
    """Trainings of this table take 10 to 15 s each."""
    alone, three = (searched(PROBLEM, "random", contestant("random"), n, 0, 30) for n in (1, 3))
    assert 300 < alone.seconds < 450 + alone.driver_seconds
    assert three.seconds < alone.seconds / 2.5 + three.driver_seconds


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Which problem?"),
        (["--nas-bench-macro", "none.json"], "none.json: No such file"),
        (["--table", "none.csv"], "--space NAME"),
        (["--table", "none.csv", "--space", "tiny_space"], "none.csv: No such file"),
        (["--made-up", "--report"], "has no search of made-up"),
        (["--made-up", "--samplers", "random+ahsa"], "Did you mean 'asha'"),
        (["--made-up", "--samplers", "rnadom"], "Did you mean 'random'"),
        (["--made-up", "--samplers", "auto:strtup=6"], "Did you mean 'sampler.startup'"),
        (["--made-up", "--samplers", "auto:startup"], "'sampler.startup' is not a setting"),
        (["--made-up", "--samplers", "optuna_gp:startup=6"], "optuna_gp takes no options"),
    ],
)
def test_mistakes_are_one_line(words, says, tmp_path, capsys):
    assert says in told(main, [*words, "--out", str(tmp_path)], capsys)


def test_samplers_can_have_options_and_searches_other_seeds(tmp_path, capsys):
    words = [
        "--made-up",
        "--samplers",
        "ordinal_gp:sizes=false,startup=6",
        "--seeds",
        "1",
        "--first-seed",
        "100",
    ]
    main([*words, "--trials", "9", "--out", str(tmp_path)])
    assert "made-up ordinal_gp:sizes=false,startup=6 x1 seed 100: 9 trials" in capsys.readouterr().out
    sampler = contestant("ordinal_gp:sizes=false,startup=6")
    assert (sampler.sampler, sampler.sizes, sampler.startup) == ("ordinal_gp", False, 6)


def test_no_contestant_ends_its_search_by_itself():
    assert not any(getattr(contestant(name), "early_stop", False) for name in CONTESTANTS)
