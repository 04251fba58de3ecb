"""Trainings by a proxy: each is carried out once, with the settings that are given."""

import csv

import numpy as np

from experiments.benchmarks.proof.proxies import CSV, main, trainings
from search.proxy import training

NETWORKS = ("r16_i8_s2/mb_d1_k3_s2_e1_w8/h8_c2", "r16_i8_s2/mb_d1_k3_s2_e1_w16/h8_c2")


def test_each_training_is_carried_out_once_and_all_become_a_table(tmp_path, monkeypatch, capsys):
    npz, journal = tmp_path / "two.npz", tmp_path / "proxies.jsonl"
    pixels = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 3)).astype(np.uint8)
    np.savez(npz, train_x=pixels, train_y=np.arange(80) % 2)
    words = ["--npz", str(npz), "--out", str(journal), *NETWORKS, "proxy.epochs=1", "proxy.shift=1"]
    main([*words, "proxy.resolution=12", "--seeds", "0"])
    capsys.readouterr()

    trained = []

    def train(network, data, proxy, seed, **options):
        trained.append((network.resolution, proxy.epochs, proxy.shift, seed))
        return first(network, data, proxy, seed, **options)

    first = training.train
    monkeypatch.setattr(training, "train", train)
    settings = {"proxy.epochs": 1, "proxy.shift": 1, "proxy.resolution": 12}
    lines = list(trainings(NETWORKS, str(npz), settings, (0, 3), journal))
    assert trained == [(12, 1, 1, 3)] * 2
    assert [(line["network"], line["seed"]) for line in lines] == [(n, s) for s in (0, 3) for n in NETWORKS]
    assert all(0 <= line["accuracy"] <= 1 and line["side"] == 12 for line in lines)
    main([*words, "proxy.resolution=12", "--seeds", "0", "3"])
    with (tmp_path / "proxies.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(trained) == 2 and len(rows) == 4 and tuple(rows[0]) == CSV
