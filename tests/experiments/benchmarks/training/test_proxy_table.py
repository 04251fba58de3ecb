"""The table of proxies: what is trained, taken up and reported."""

import random

import numpy as np
import pytest

from experiments.benchmarks.training import proxy_cells, proxy_report, proxy_table
from experiments.benchmarks.training.proxy_cells import CANDIDATES, CORE, LONG, Candidate, Cell, draw, tasks
from search.stats.rank_correlation import agreement
from space import cost

TINY = Cell({"space": "tiny_space", "data": "shapes", "data.images": 100}, 3, (11,), (0.0, 100.0))


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A cell of seconds, with two candidates."""
    monkeypatch.setitem(proxy_cells.CELLS, "tiny", TINY)
    short = Candidate(1, None, 1, progressive=True)
    monkeypatch.setattr(proxy_table, "REAL", Candidate(epochs=1))
    monkeypatch.setitem(proxy_table.CANDIDATES, short.name, short)
    return tmp_path / "tiny.jsonl"


def test_networks_of_a_cell_are_within_its_limits_and_always_the_same():
    networks = draw("effv2_32")
    assert len(set(networks)) == 24 and networks == draw("effv2_32")
    assert all(4e6 <= cost(network).macs <= 20e6 for network in networks)
    assert not set(networks) & set(draw("effv2_32-again"))


def test_a_cut_table_has_long_trainings_and_the_core_first():
    first = tasks("effv2_32")[: 24 * (1 + len(CORE))]
    assert {task.kind for task in first} == {LONG, *(candidate.name for candidate in CORE)}
    assert [task.kind for task in first[:2]] == [LONG, CORE[0].name]
    assert len(tasks("effv2_32")) == 24 * 2 * (1 + len(CANDIDATES))


def test_a_training_is_a_line_and_is_not_repeated(tiny):
    wanted = [task for task in tasks("tiny") if task.kind in (LONG, "w1-own-e1-progressive")][:2]
    for task in wanted:
        proxy_table.append(tiny, proxy_table.run(task))
    lines = proxy_table.read(tiny)
    assert [line["kind"] for line in lines] == [task.kind for task in wanted]
    assert all(0 <= line["accuracy"] <= 1 and len(line["curve"]) == 1 for line in lines)
    assert list(proxy_table.missing(wanted, lines)) == []
    tiny.write_text(tiny.read_text() + '{"cut off')
    assert proxy_table.read(tiny) == lines


def test_agreement_is_that_of_the_product_where_every_network_counts_once():
    rng = random.Random(1)
    one, other = ([rng.randrange(8) for _ in range(12)] for _ in range(2))
    tau = proxy_report.pairs_agreement(np.array([one]), np.array([other]), np.ones(12, dtype=int))
    assert tau == pytest.approx(agreement(one, other).tau)


def test_a_report_has_the_better_half_and_what_limits_a_proxy():
    lines = [
        {"network": str(n), "kind": kind, "seed": seed, "accuracy": n + noise, "loss": -n, "curve": [-n]}
        | {"device": "cpu", "cpu_seconds": seconds}
        for n in range(8)
        for kind, seed, noise, seconds in (
            (LONG, 11, 0, 10),
            (LONG, 12, 0, 10),
            ("w1", 0, 0.1, 1),
            ("w1", 1, 0, 1),
        )
    ]
    table = list(proxy_report.rows(lines))
    assert [(row["half"], row["n"]) for row in table[:1] + table[-1:]] == [("all", 8), ("better", 4)]
    assert {row["signal"] for row in table} == {"accuracy", "loss", "training loss", "both"}
    assert all(
        row["tau"] == row["long_tau"] == row["rho_seeds"] == 1 and row["share"] == 0.1 for row in table
    )
