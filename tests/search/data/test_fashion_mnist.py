"""A search on real images, from Debian's package: `apt install dataset-fashion-mnist`."""

import os
from pathlib import Path

import pytest

from search import launch
from search.data.idx import DEBIAN

PLACE = Path(os.environ.get("COMPOUND_NAS_FASHION_MNIST", DEBIAN))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not PLACE.is_dir(), reason=f"no {PLACE}: install dataset-fashion-mnist or set COMPOUND_NAS_FASHION_MNIST"
)
def test_a_search_on_fashion_mnist_finds_networks_that_see_garments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = launch(
        {
            "space": "effv2_32",
            "data": "fashion_mnist",
            "data.path": str(PLACE),
            "proxy.images": 6000,
            "proxy.epochs": 2,
            "reward.w": 0,
            "executor": "serial",
            "trials": 3,
        }
    )
    assert [trial.state for trial in run.trials] == ["complete"] * 3
    assert run.best.architecture.channels == 1
    results = [trial.result for trial in run.trials]
    assert min(result.accuracy for result in results) > 0.6  # chance: 0.1
    assert min(result.top5 for result in results) > 0.95  # chance: 0.5
