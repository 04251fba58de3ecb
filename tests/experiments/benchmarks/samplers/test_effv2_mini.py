"""The table of really trained networks that is shipped."""

import csv
import statistics

import pytest

from experiments.benchmarks.samplers.effv2_mini import PARTS, TABLE, networks
from experiments.benchmarks.samplers.sample_efficiency import main
from experiments.benchmarks.samplers.tabular.recorded import ACCURACY_ALONE, effv2_mini


@pytest.fixture(scope="module")
def problem():
    return effv2_mini()


def test_it_has_every_network_at_every_length_with_its_step_time(problem):
    texts = {str(network) for network in networks()}
    assert len(texts) == 256
    assert problem.epochs == 9
    for readings in (problem.readings, *problem.shorter.values()):
        assert readings.keys() == texts
    assert sorted(problem.shorter) == [1, 3]
    assert all(reading.step_ratio > 0 for own in problem.readings.values() for reading in own)
    assert max(effv2_mini({**ACCURACY_ALONE, "reward.w": -0.07}).truths.values()) != max(
        problem.truths.values()
    )


def test_each_part_has_as_many_trainings_as_it_says():
    with TABLE.open() as file:
        rows = list(csv.DictReader(file))
    for part in PARTS:
        own = [row for row in rows if (int(row["epochs"]), int(row["seed"])) == (part.epochs, part.seed)]
        assert len({row["architecture"] for row in own}) == len(own) == part.networks
        assert all(len(row["curve"].split()) == part.epochs for row in own)
    assert len(rows) == sum(part.networks for part in PARTS)


def test_networks_differ_by_more_than_noise(problem):
    assert statistics.stdev(problem.truths.values()) > 3 * problem.deviation


def test_three_searches_of_the_default_find_a_network_among_the_best(problem, tmp_path):
    words = ["--effv2-mini", "--samplers", "random", "auto", "--seeds", "3", "--trials", "20"]
    main([*words, "--out", str(tmp_path)])
    table = (tmp_path / "effv2_mini.csv").read_text()
    rows = {row["sampler"]: row for row in csv.DictReader(table.splitlines())}
    truths = sorted(problem.truths.values())
    tenth = 100 * (1 - truths[-len(truths) // 10] / truths[-1])
    assert 0 <= float(rows["auto"]["regret_percent_16"]) < tenth
    assert [rows[name]["searches"] for name in ("random", "auto")] == ["3", "3"]
