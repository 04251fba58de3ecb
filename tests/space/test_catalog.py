import json
from dataclasses import replace
from pathlib import Path

import pytest

from space.catalog import CATALOG, name_of, published
from space.cost.cost import Cost, cost, parts
from space.refusal import UserError

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN = json.loads((FOLDER / "efficientnets.json").read_text())
OTHERS = json.loads((FOLDER / "families.json").read_text())
FAMILIES, DETECTORS = OTHERS["networks"], OTHERS["detectors"]
ROWS = [pytest.param(row, id=f"{row['network']}@{row['resolution']}") for row in GOLDEN["networks"]]


def at(row):
    """The catalog's network at the resolution of a row."""
    return replace(published(row["network"]).architecture, resolution=row["resolution"])


@pytest.mark.parametrize("row", ROWS)
def test_costs_equal_the_published_networks(row):
    total = cost(at(row))
    expected = (row["params"], row["macs"], row["activations"])
    assert (total.params, total.macs, total.activations) == expected


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


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row["network"])
def test_networks_of_other_families_have_the_exact_costs_of_their_code(row):
    architecture = published(row["network"]).architecture
    assert architecture.resolution == row["resolution"]
    spent = cost(architecture)
    assert (spent.params, spent.macs) == (row["params"], row["macs"])


@pytest.mark.parametrize("row", DETECTORS, ids=lambda row: row["network"])
def test_a_detectors_row_is_its_features_and_its_heads(row):
    """BlazeFace's heads are 1x1 convolutions: [width, outputs, pixels along each side]."""
    architecture = published(row["network"]).architecture
    assert row["network"] != "blazeface-front" or features(architecture).params == 88_470
    spent = features(architecture)
    params = spent.params + sum((width + 1) * outputs for width, outputs, _ in row["heads"])
    macs = spent.macs + sum(width * outputs * side**2 for width, outputs, side in row["heads"])
    assert (params, macs) == (row["params"], row["macs"])
    maps = {(part.width, part.size) for part in parts(architecture)}
    assert {(width, side) for width, _, side in row["heads"]} <= maps
    assert published(row["network"]).note


def features(architecture):
    return sum((part.cost for part in parts(architecture)[:-1]), Cost(0, 0, 0, 0))


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row["network"])
def test_a_note_explains_each_different_published_figure(row):
    """MobileNeXt's and others' MAdds are rounded to tens of millions."""
    for key, allowed in (("params", 0.025), ("macs", 0.07)):
        if row.get("stated_" + key) and abs(row["stated_" + key] * 1e6 / row[key] - 1) > allowed:
            assert published(row["network"]).note


def test_the_golden_rows_cover_the_catalog():
    ours = {name for name, row in CATALOG.items() if row.family == "efficientnet"}
    assert {row["network"] for row in GOLDEN["networks"]} == ours
    assert {row["network"] for row in FAMILIES + DETECTORS} == set(CATALOG) - ours
    evaluated = {(row["network"], row["resolution"]) for row in GOLDEN["networks"]}
    for name, entry in CATALOG.items():
        assert entry.name == name
        assert name not in ours or (name, entry.architecture.resolution) in evaluated
        assert entry.source


def test_networks_differ():
    digests = {entry.architecture.digest for entry in CATALOG.values()}
    assert len(digests) == len(CATALOG)


def test_an_unknown_network_is_refused():
    with pytest.raises(UserError, match=r"^Unknown network 'v2-small'\. Did you mean 'v2-s'\? ") as refused:
        published("v2-small")
    assert str(refused.value).endswith(" See all: scale --published --family all")
    assert len(str(refused.value)) < 200


def test_networks_are_known_by_name_whatever_their_images_and_classes():
    for name, entry in CATALOG.items():
        other = replace(entry.architecture, resolution=64, classes=7, channels=1)
        assert name_of(other) == ("l2" if name == "l2-475" else name)
    b0 = published("b0").architecture
    assert name_of(replace(b0, head=replace(b0.head, width=64))) is None
