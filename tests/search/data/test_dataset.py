import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
from helpers.datasets import cifar10, cifar100
from pydantic import ValidationError

from search.config import Config
from search.data import DATASETS, Dataset, load, source_from
from search.data.dataset import opened, words
from search.settings.words import parse
from search.testing import SOURCE_CONTRACT
from space.documents import read
from space.refusal import UserError


@pytest.fixture
def options(write_npz, write_folder, write_cifar, write_idx):
    """The least that each kind of data needs to be told, and a small amount of it."""
    return {
        "shapes": {"images": 100, "test_images": 20},
        "npz": {"path": write_npz()},
        "folder": {"path": write_folder("images", {"ant": 6, "bee": 7})},
        "cifar10": {"path": write_cifar("cifar10", cifar10(), "cifar-10-batches-py")},
        "cifar100": {"path": write_cifar("cifar100", cifar100(), "cifar-100-python")},
        "fashion_mnist": {"path": write_idx("FashionMNIST/raw")},
        "mnist": {"path": write_idx("MNIST/raw")},
        "digits": {},
    }


@pytest.mark.parametrize("check", SOURCE_CONTRACT, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", DATASETS)
def test_every_source_keeps_its_promises(name, check, options, tmp_path):
    check(source_from({"source": name, "cache": tmp_path / "cache", **options[name]}))


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_has_a_group_that_states_its_defaults(name, options):
    group = read("data", name)
    source = source_from(group | options[name])
    assert source == source_from({"source": name} | options[name])
    assert set(group) | set(options[name]) | {"cache"} == set(type(source).model_fields)


@pytest.mark.parametrize("name", DATASETS)
def test_a_source_travels_to_workers_and_through_json(name, options):
    source = source_from({"source": name, **options[name]})
    assert pickle.loads(pickle.dumps(source)) == source
    assert source_from(source.model_dump(mode="json")) == source


@pytest.mark.parametrize("name", DATASETS)
def test_the_words_of_a_source_say_it(name, options):
    source = source_from({"source": name, "validation": 0.3, "flip": False, **options[name]})
    assert Config.of(parse(words(source))).data == source


def test_an_unknown_source_is_refused_with_its_neighbour():
    with pytest.raises(UserError, match=r"Unknown data\.source 'shape'. Did you mean 'shapes'\?"):
        source_from({"source": "shape"})
    with pytest.raises(UserError, match=r"data\.source is missing\. Permitted: shapes, npz, folder, cifar10"):
        source_from({"path": "x"})


def test_an_unknown_option_is_refused():
    with pytest.raises(
        UserError, match=r"Unknown setting 'data\.dificulty'. Did you mean 'data\.difficulty'\?"
    ):
        source_from({"source": "shapes", "dificulty": 1})


def test_a_source_and_its_data_are_frozen(options):
    source = source_from({"source": "shapes", **options["shapes"]})
    with pytest.raises(ValidationError, match="frozen"):
        source.seed = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(source, 8).name = "other"


def test_the_test_split_is_no_part_of_a_data_set():
    assert not any("test" in field.name for field in dataclasses.fields(Dataset))


def test_progress_is_told_up_to_the_end(options):
    told = []
    load(source_from({"source": "npz", **options["npz"]}), 12, progress=lambda *counts: told.append(counts))
    assert told == [(48, 69), (60, 69), (69, 69)]


def test_a_beginning_of_the_training_images_is_stratified():
    data = load(source_from({"source": "shapes", "images": 1000, "test_images": 10}), 8)
    counts = np.bincount(data.train.labels[:100], minlength=10)
    assert abs(counts - 10).max() <= 2


def test_balance_is_no_matter_of_pixels_but_of_what_compares(options):
    plain, *others = (
        load(source_from({"source": "npz", **options["npz"], "balance": balance}), 12)
        for balance in (None, "sample", "loss")
    )
    assert (plain.balance, [other.balance for other in others]) == (None, ["sample", "loss"])
    assert len({plain.digest, *(other.digest for other in others)}) == 3
    for other in others:
        assert other.train.images.filename == plain.train.images.filename


@pytest.mark.parametrize("name", ["npz", "mnist"])
def test_another_flip_than_the_default_is_another_data_set(name, options):
    """The digest of the default is that of the pixels, as it was before, so that old runs can go on."""
    source = source_from({"source": name, **options[name]})
    usual, other = (
        load(source.model_copy(update={"flip": flip}), 12) for flip in (source.flip, not source.flip)
    )
    assert usual.digest == opened(source, 12, ("train",))[0].digest != other.digest
    balanced = load(source.model_copy(update={"flip": not source.flip, "balance": "loss"}), 12)
    assert balanced.digest not in (usual.digest, other.digest)
    assert other.train.images.filename == usual.train.images.filename


@pytest.mark.parametrize(
    ("counts", "most", "balanced"),
    [
        ((30, 30), None, 60),
        ((1000, 100), None, 4 / (1 / 1000 + 1 / 100)),
        ((4, 0, 12), None, 12),
        ((3, 5), 3, 3),
    ],
)
def test_small_classes_make_a_balanced_accuracy_uncertain(options, counts, most, balanced):
    data = load(source_from({"source": "shapes", **options["shapes"]}), 8)
    labels = np.arange(len(counts)).repeat(counts)
    data = dataclasses.replace(data, validation=dataclasses.replace(data.validation, labels=labels))
    assert data.effective_images(most) == len(labels[:most])
    found = dataclasses.replace(data, balance="loss").effective_images(most)
    assert found == pytest.approx(balanced)
    if most is None:  # The variance of the mean over the classes, each with an accuracy p.
        p, sizes = 0.7, [count for count in counts if count]
        assert p * (1 - p) / found == pytest.approx(
            sum(p * (1 - p) / count for count in sizes) / len(sizes) ** 2
        )


def test_importing_the_sources_imports_no_torch():
    subprocess.run(
        [sys.executable, "-c", "import sys, search.data; sys.exit('torch' in sys.modules)"], check=True
    )
