from dataclasses import replace

import pytest
import torch

from search.data import load
from search.training.augmentation import Augmentation
from search.training.batches import epoch_of, steps_of
from search.training.distributed import Processes
from search.training.recipe import stages


@pytest.fixture
def data(task):
    return load(task().source, 16)


def epoch(task, data, number=0, processes=Processes(), **recipe):  # noqa: B008 (frozen)
    own = task(**recipe)
    stage = next(stages(own.recipe, 16))
    augmentation = Augmentation(own.recipe, stage, 10, data.mean, data.std)
    return epoch_of(data, augmentation, number, 0, steps_of(data, own.recipe.batch), processes)


def test_batches_are_of_equal_size_and_contain_every_image_once(task, data):
    first = epoch(task, data)
    assert {len(inputs) for inputs, _ in first.batches(0, 0)} == {32}
    assert first.order.sort().values.equal(torch.arange(len(data.train)))


def test_another_epoch_has_another_order(task, data):
    assert not epoch(task, data).order.equal(epoch(task, data, 1).order)
    assert epoch(task, data, 1).order.equal(epoch(task, data, 1).order)


def test_a_resumed_epoch_has_the_same_batches(task, data):
    every, rest = (list(epoch(task, data).batches(first, 0)) for first in (0, 3))
    assert all(one[0].equal(other[0]) for one, other in zip(every[3:], rest, strict=True))


def test_workers_prepare_the_same_batches(task, data):
    alone, helped = (list(epoch(task, data, mixup=0.3).batches(2, workers)) for workers in (0, 2))
    for one, other in zip(alone, helped, strict=True):
        assert one[0].equal(other[0]) and one[1].equal(other[1])


def test_processes_share_every_batch(task, data):
    parts = [epoch(task, data, processes=Processes(rank, 3)) for rank in range(3)]
    sizes = [[len(inputs) for inputs, _ in part.batches(0, 0)] for part in parts]
    assert {sum(of) for of in zip(*sizes, strict=True)} == {32}
    seen = {i for part in parts for step in part.order.tensor_split(part.steps) for i in step.tolist()}
    assert len(seen) == len(data.train)


def test_the_images_of_a_batch_are_those_of_all_processes(task, data):
    uneven = replace(
        data, train=replace(data.train, images=data.train.images[:-5], labels=data.train.labels[:-5])
    )
    parts = [epoch(task, uneven, processes=Processes(rank, 3)) for rank in range(3)]
    for step in range(parts[0].steps):
        images = sum(len(part[step][0]) for part in parts)
        assert [part.images(step) for part in parts] == [images] * 3
    assert sum(map(parts[0].images, range(parts[0].steps))) == len(uneven.train)


def test_without_flip_no_image_is_mirrored(task, data):
    still = epoch(task, replace(data, flip=False), shift=0.0)
    first = still.order.tensor_split(still.steps)[0]
    assert still[0][0].equal(epoch(task, replace(data, flip=False), number=0, shift=0.0)[0][0])
    plain = torch.from_numpy(data.train.images[first.numpy()]).permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(of).view(1, 3, 1, 1) for of in (data.mean, data.std))
    assert still[0][0].allclose((plain / 255 - mean) / std, atol=1e-4)
