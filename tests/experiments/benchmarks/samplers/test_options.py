import pytest

from experiments.benchmarks.samplers.options import main, outcome, report
from experiments.benchmarks.samplers.tabular.recorded import made_up
from search.samplers import SAMPLERS


def test_a_search_of_all_networks_has_no_regret_but_for_noise():
    found = outcome(made_up(), SAMPLERS["grid"](sampler="grid"), 0, 124)
    assert found.trials == 124
    assert found.best >= found.top == 0


def test_both_values_and_their_differences_are_printed(capsys):
    random = SAMPLERS["random"](sampler="random")
    found = {
        value: [outcome(made_up(), random, seed, trials) for seed in range(2)]
        for value, trials in (("a", 2), ("b", 9))
    }
    report("option", found)
    told = capsys.readouterr().out
    assert "option=a, n = 2" in told
    assert "9, 9 (9 to 9)" in told
    assert "option=b minus a" in told


def test_an_option_that_the_sampler_lacks_is_refused(capsys, monkeypatch, tmp_path):
    words = ["options", "--nas-bench-macro", str(tmp_path / "none.json"), "evolution", "finsh", "0", "0.2"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
