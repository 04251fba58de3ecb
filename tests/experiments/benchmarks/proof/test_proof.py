"""The proof's choice of rates and finalists, and its table, with invented trainings and searches."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from experiments.benchmarks.proof import proof
from experiments.benchmarks.proof.final import (
    SEARCHED,
    Contender,
    comparison_bar,
    read_contenders,
    table,
    write_contenders,
)
from experiments.benchmarks.proof.levels import Level, frame
from experiments.benchmarks.proof.proof import Proof
from search.engine.around import Frame
from search.stats.differences import Differences
from search.stats.hits import encode_hits

NAMES = ("searched", "random", "a", "b", "c", "d")
NETWORKS = {name: f"r16_i8_s2/mb_d1_k3_s2_e1_w{8 * n}/h8_c2" for n, name in enumerate(NAMES, 1)}
ACCURACIES = dict(zip(NAMES, (0.70, 0.60, 0.65, 0.50, 0.68, 0.62), strict=True))


@pytest.fixture
def invented(tmp_path, monkeypatch):
    """Return a proof whose trainings have the accuracies above, less where the rate isn't 2; and its jobs."""
    jobs = []

    def train_all(every, journal, processes):
        jobs.extend(every)
        return [line(job) for job in every]

    def line(job):
        name = next(name for name, network in NETWORKS.items() if network == job.network)
        right = round(100 * (ACCURACIES[name] - 0.02 * (job.rate != 2) + 0.01 * (job.seed % 2)))
        values = {"hits": encode_hits([place < right for place in range(100)]), f"{job.split}_images": 100}
        return {
            "network": job.network,
            "seed": job.seed,
            f"{job.split}_accuracy": right / 100,
            "validation_accuracy": right / 100,
            **values,
        }

    rivals = {name: NETWORKS[name] for name in "abcd"}
    monkeypatch.setattr(proof, "train_all", train_all)
    monkeypatch.setattr(Proof, "level", lambda self, name: Level(0.3, rivals["a"], rivals, {}))
    searched = [
        Contender("low-widths-1", NETWORKS["searched"], SEARCHED),
        Contender("low-random-widths-1", NETWORKS["random"], SEARCHED),
    ]
    every = [*searched, *(Contender(name, network, name) for name, network in rivals.items())]
    monkeypatch.setattr(Proof, "contenders", lambda self, name: every)
    return Proof("photos.npz", tmp_path, Path("profile"), ("widths",), (1,), 1, ()), jobs


def test_each_family_gets_its_best_rate_by_validation(invented):
    one, jobs = invented
    assert one.rates == dict.fromkeys((SEARCHED, *"abcd"), 2.0)
    assert {job.split for job in jobs} == {"validation"} and {job.seed for job in jobs} == {0}
    # The rate of all searched networks is chosen with the first try's answer.
    assert NETWORKS["random"] not in {job.network for job in jobs}


def test_the_strongest_rivals_are_chosen_once_and_only_they_see_the_test_images(invented, monkeypatch):
    one, jobs = invented
    names = [finalist.name for finalist in one.finalists("low")]
    assert names == ["low-widths-1", "low-random-widths-1", "c", "a", "d"]
    assert {job.split for job in jobs} == {"validation"}
    monkeypatch.setitem(ACCURACIES, "b", 0.9)
    every = one.finalists("low")
    assert [finalist.name for finalist in every] == names
    differences = one.trained(every, proof.FRESH, "test")
    assert {job.network for job in jobs if job.split == "test"} == {one.network for one in every}
    assert {job.seed for job in jobs if job.split == "test"} == set(proof.FRESH)
    rows = list(table(every, differences))
    assert differences.difference(0, 2).mean == pytest.approx(0.02)
    assert [each.rate for each in every] == [2.0] * 5
    assert len(rows) == 2 + 5 + 1 and "| c | " in rows[4] and "+2.00%" in rows[4]


@pytest.mark.parametrize(("shape", "channels"), [((4, 28, 28), 1), ((4, 28, 28, 3), 3)])
def test_the_frame_is_that_of_the_images(shape, channels, tmp_path):
    file = tmp_path / "images.npz"
    np.savez(file, train_x=np.zeros(shape, np.uint8), train_y=np.array([0, 1, 2, 1]))
    assert frame(str(file)) == Frame(28, channels, 3)


def test_a_folder_without_a_final_is_refused_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match=r"has no final, a file such as final-low\.json\.$"):
        proof.main(["--out", str(tmp_path), "--report"])


def test_bars_of_networks_that_differ_beyond_chance_do_not_overlap():
    rng = np.random.default_rng(0)
    accuracies = [list(mean + rng.normal(0, 0.005, 5)) for mean in (0.70, 0.705, 0.75, 0.80)]
    differences = Differences(accuracies, common_seeds=True, images=3000)
    bars = [comparison_bar(differences, place) for place in range(4)]
    for one, other in combinations(range(4), 2):
        apart = abs(differences.means[one] - differences.means[other]) > bars[one] + bars[other]
        assert apart == differences.difference(one, other).significant


def test_all_trainings_become_a_table(tmp_path):
    journal = tmp_path / "trainings.jsonl"
    values = {"network": "n", "seed": 7, "rate": 2.0, "split": "test", "digest": "abc", "hits": "..."}
    journal.write_text(json.dumps(values) + "\n")
    proof.write_trainings(journal, tmp_path / "trainings.csv")
    head, row = (tmp_path / "trainings.csv").read_text().splitlines()
    assert head == ",".join(proof.CSV) and row == "n,7,2.0,test,,,,abc,"


def test_a_final_is_reported_again_from_its_files(tmp_path, capsys):
    every = [
        Contender("ours", NETWORKS["searched"], SEARCHED, 2.0, ms=0.3),
        Contender("other", NETWORKS["a"], "a", 1.0, (("recipe.mixup", 0.1),)),
    ]
    write_contenders(proof.final_networks(tmp_path, "low"), every)
    lines = [
        {
            **{"network": one.network, "seed": seed, "rate": one.rate, "split": "test", "more": one.more},
            **{"test_accuracy": right / 100, "test_images": 100},
            "hits": encode_hits([place < right for place in range(100)]),
        }
        for one, right in zip(every, (80, 50), strict=True)
        for seed in proof.FRESH
    ]
    (tmp_path / proof.JOURNAL).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(SystemExit) as end:
        proof.main(["--out", str(tmp_path), "--report"])
    assert end.value.code == 0
    assert read_contenders(proof.final_networks(tmp_path, "low")) == every
    text = (tmp_path / "final-low.md").read_text()
    assert text in capsys.readouterr().out
    assert "| ours | " in text and "+30.00%" in text
    assert (tmp_path / "final-low.png").stat().st_size > 5000 < (tmp_path / "final-low.svg").stat().st_size
