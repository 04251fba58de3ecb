import json
from dataclasses import replace
from pathlib import Path

import pytest

from space.catalog import CATALOG, name_of, published
from space.cost import Cost, cost, parts
from space.refusal import Refused

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "efficientnets.json").read_text())
ROWS = [pytest.param(row, id=f"{row['network']}@{row['resolution']}") for row in GOLDEN["networks"]]


def at(row):
    """The catalog's network at the resolution of a row."""
    return replace(published(row["network"]).architecture, resolution=row["resolution"])


@pytest.mark.parametrize("row", ROWS)
def test_costs_equal_the_published_networks(row):
    assert cost(at(row)) == Cost(row["params"], row["macs"], row["activations"])


@pytest.mark.parametrize("row", ROWS)
def test_stages_equal_the_published_networks(row):
    architecture = at(row)
    stem, *stages, head = parts(architecture)
    rows = [
        [s.op, s.depth, s.kernel, s.stride, s.expand, s.width, s.se, part.width_in, part.size_in]
        for part in stages
        for s in (part.part,)
    ]
    assert rows == row["stages"]
    assert (stem.width, head.width, head.size_in) == (row["stem"], row["head"], row["last_map"])
    assert architecture.depth == row["blocks"]
    assert architecture.stride == 32
    assert architecture.classes == 1000


@pytest.mark.parametrize("row", ROWS)
def test_rates_and_resolutions_equal_the_published_ones(row):
    entry = published(row["network"])
    if row["dropout"] is not None:
        assert entry.dropout == row["dropout"]
    if row["train_resolution"] is not None:
        assert entry.train_resolution == row["train_resolution"]
    assert row["resolution"] in (entry.architecture.resolution, entry.train_resolution, 224)


def test_the_golden_rows_cover_the_catalog():
    assert {row["network"] for row in GOLDEN["networks"]} == set(CATALOG)
    evaluated = {(row["network"], row["resolution"]) for row in GOLDEN["networks"]}
    for name, entry in CATALOG.items():
        assert entry.name == name
        assert (name, entry.architecture.resolution) in evaluated
        assert entry.source


def test_networks_differ():
    digests = {entry.architecture.digest for entry in CATALOG.values()}
    assert len(digests) == len(CATALOG)


def test_an_unknown_network_is_refused():
    with pytest.raises(Refused, match=r"^Unknown network 'v2-small'\. Did you mean 'v2-s'\? Permitted: b0, "):
        published("v2-small")


def test_networks_are_known_by_name_whatever_their_images_and_classes():
    for name, entry in CATALOG.items():
        other = replace(entry.architecture, resolution=64, classes=7, channels=1)
        assert name_of(other) == ("l2" if name == "l2-475" else name)
    b0 = published("b0").architecture
    assert name_of(replace(b0, head=replace(b0.head, width=64))) is None
