import json
from dataclasses import replace

import pytest

from experiments.benchmarks.samplers.tabular.contestants import PRUNERS, contestant, pruned
from experiments.benchmarks.samplers.tabular.recorded import (
    ACCURACY_ALONE,
    _macro_document,
    made_up,
    nas_bench_macro,
    trained,
)
from search.proxy.evaluate import Request
from search.proxy.proxy import shorter
from space import Space, UserError, cost

MADE_UP = made_up()
ROWS = [
    {"architecture": network, "accuracy": reading.accuracy, "seconds": reading.seconds}
    for network, readings in MADE_UP.readings.items()
    for reading in readings
]


def test_a_table_is_read_from_either_format(tmp_path):
    lines, table = tmp_path / "table.jsonl", tmp_path / "table.csv"
    lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    table.write_text(
        "architecture,accuracy,seconds,step_ratio\n"
        + "".join(f"{row['architecture']},{row['accuracy']},{row['seconds']},\n" for row in ROWS)
    )
    for path in (lines, table):
        problem = trained("made-up", MADE_UP.space, ACCURACY_ALONE, path)
        assert problem.readings == MADE_UP.readings
        assert problem.truths == MADE_UP.truths


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "row 1 is not JSON"),
        ('{"accuracy": 1}\n', "row 1: KeyError: 'architecture'"),
        (json.dumps(ROWS[0]) + "\n", "of 124 networks 123 are not in the table"),
    ],
)
def test_an_invalid_table_is_refused(text, says, tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        trained("t", MADE_UP.space, ACCURACY_ALONE, path)


def test_a_table_can_have_shorter_trainings(tmp_path):
    """Step times were recorded beside some of the whole ones, and are of the network."""
    table = tmp_path / "table.csv"
    lines = ["architecture,epochs,seed,accuracy,seconds,step_ratio"]
    for seed, (epochs, accuracy) in enumerate([(9, 0.9), (9, 0.8), (3, 0.5), (1, 0.3)]):
        for network in MADE_UP.readings:
            ratio = "0.5" if seed == 1 else ""
            lines.append(f"{network},{epochs},{seed},{accuracy},{10 * epochs},{ratio}")
    table.write_text("\n".join(lines))
    problem = trained("t", MADE_UP.space, {**ACCURACY_ALONE, "reward.w": -0.07}, table)
    network = next(iter(MADE_UP.readings))
    assert problem.epochs == 9
    assert [reading.accuracy for reading in problem.readings[network]] == [0.9, 0.8]
    assert [problem.shorter[epochs][network][0].seconds for epochs in (1, 3)] == [10, 30]
    assert {reading.step_ratio for reading in problem.readings[network]} == {0.5}
    assert problem.config(contestant("random"), 9, 0).ladder.epochs == (9,)
    sampler, pruner = pruned("random+asha")
    config = problem.config(sampler, 9, 0, pruner)
    assert config.ladder.epochs == (1, 3, 9)
    request = Request(0, 1, network, shorter(config.proxy, 3), config.data, 0)
    assert (problem.result(request, 0).accuracy, problem.result(request, 0).epochs) == (0.5, 3)
    table.write_text("\n".join(lines[:-1]))
    with pytest.raises(UserError, match="of 124 networks 1 are not in the table with 1 epochs"):
        trained("t", MADE_UP.space, ACCURACY_ALONE, table)


def test_a_pruner_does_nothing_without_low_fidelity_trainings():
    whole = replace(MADE_UP, shorter={})
    assert whole.config(contestant("random"), 9, 0, PRUNERS["asha"]).ladder.epochs == (9,)
    lacking = replace(MADE_UP, shorter={3: MADE_UP.shorter[3]})
    with pytest.raises(UserError, match="made-up has no trainings of 1 epochs"):
        lacking.config(contestant("random"), 9, 0, PRUNERS["asha"])


def test_a_training_is_a_recorded_one_and_the_true_reward_is_their_mean():
    network, readings = next(iter(MADE_UP.readings.items()))
    config = MADE_UP.config(contestant("random"), 3, 7)
    request = Request(0, 1, network, config.proxy, config.data, 7)
    seen = {MADE_UP.result(request, run).accuracy for run in range(20)}
    assert seen == {reading.accuracy for reading in readings}
    assert MADE_UP.truths[network] == pytest.approx(sum(r.accuracy for r in readings) / len(readings))
    assert MADE_UP.result(request, 3) == MADE_UP.result(request, 3)


def test_networks_of_nas_bench_macro_have_the_costs_of_its_table():
    """Three rows of it; that all 6,561 agree is checked whenever the table is read."""
    space = Space.of(_macro_document())
    rows = {"00000000": (387882, 7713280), "22222222": (2932586, 105660928), "01100000": (446250, 18752000)}
    for digits, costs in rows.items():
        spent = cost(space.at(tuple(map(int, digits))))
        assert (spent.params, spent.macs) == costs
    assert space.size == 3969
    assert all(choice.ordered and len(choice.options) == 3 for choice in space.choices)


def test_another_file_is_not_nas_bench_macro(tmp_path):
    path = tmp_path / "other.json"
    for text, says in (("[]", "is not NAS-Bench-Macro"), ('{"0": {"test_acc": [1, 2, 3]}}', "is not NAS-")):
        path.write_text(text)
        with pytest.raises(UserError, match=says):
            nas_bench_macro(path)
    path.write_text('{"00000000": {"test_acc": [1, 2, 3], "params": 1, "flops": 2}}')
    with pytest.raises(UserError, match="00000000 has other params or flops"):
        nas_bench_macro(path)
