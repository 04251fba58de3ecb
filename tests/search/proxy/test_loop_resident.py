from dataclasses import replace

import pytest
import torch
from helpers.coloured import PROXY, TINY, coloured

from search.proxy.ema import Average
from search.proxy.loop_resident import Resident
from search.proxy.loop_streamed import epochs_of
from search.proxy.optimizer import rate_at
from search.proxy.training import begin
from space.network.network import build


def network():
    torch.manual_seed(0)
    built = build(TINY)
    begin(built)
    return built


def trained(proxy, data, *, seed=3, weights=None, average=None):
    """A network after the loop of `search.proxy.loop_resident`, and its losses."""
    built = network()
    average = average and Average(built, average)
    pixels, labels = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)
    loop = Resident(built, data, proxy, pixels, labels, weights, average)
    return loop, built, list(loop.epochs(seed)), average


def trained_by_batches(proxy, data, *, seed=3, weights=None, average=None):
    built = network()
    average = average and Average(built, average)
    labels = torch.from_numpy(data.train.labels)
    losses = epochs_of(built, data, proxy, seed, labels, weights, average, torch.device("cpu"))
    return built, list(losses), average


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 1.5, 1.0])])
def test_takes_the_steps_of_the_other_loop(weights):
    """Without random shifts, whose numbers are drawn in another order, both loops see the same batches."""
    proxy = PROXY.model_copy(update={"shift": 0, "epochs": 2})
    data = coloured()
    _, _, losses, average = trained(proxy, data, weights=weights, average=0.9)
    _, expected, other = trained_by_batches(proxy, data, weights=weights, average=0.9)
    assert losses == [pytest.approx(epoch, rel=1e-4) for epoch in expected]
    for name, tensor in average.tensors.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, other.tensors[name], atol=1e-2), name


def test_learns_with_shifts_and_mirrors():
    _, _, losses, _ = trained(PROXY, coloured())
    assert sum(losses[-1]) < sum(losses[0]) / 2
    assert len(losses) == PROXY.epochs


def test_repeats_with_a_seed():
    first, again, other = (trained(PROXY, coloured(), seed=seed)[2] for seed in (3, 3, 4))
    assert first == again != other


def test_batches_have_one_size():
    loop, _, losses, _ = trained(PROXY.model_copy(update={"batch": 33, "epochs": 1}), coloured())
    assert (loop.steps, loop.batch) == (5, 38)
    assert len(losses[0]) == 5


def test_the_images_left_over_differ_from_epoch_to_epoch():
    data, seen = coloured(train=190), []
    built = network()
    pixels, labels = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)
    loop = Resident(built, data, PROXY.model_copy(update={"epochs": 3}), pixels, labels)
    for _ in loop.epochs(0):
        seen.append(set(range(190)) - set(loop._tables.images.flatten().tolist()))
    assert all(len(missing) == 190 - 5 * 38 for missing in seen)


def test_shows_every_image_once_an_epoch_and_mirrors_half():
    data = coloured()
    pixels, labels = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)
    loop = Resident(network(), data, PROXY.model_copy(update={"epochs": 2}), pixels, labels)
    flips = []
    for _ in loop.epochs(0):
        assert sorted(loop._tables.images.flatten().tolist()) == list(range(192))
        order = loop._tables.images.flatten().argsort()
        flips.append(loop._tables.flips.flatten()[order])
    assert torch.equal(flips[0], ~flips[1])


def test_mirrors_nothing_where_images_must_not_be():
    data = replace(coloured(), flip=False)
    loop, *_ = trained(PROXY.model_copy(update={"epochs": 1}), data)
    assert loop._tables.flips is None


def test_the_learning_rate_follows_the_schedule():
    data = coloured()
    pixels, labels = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)
    loop = Resident(network(), data, PROXY, pixels, labels)
    total = PROXY.epochs * loop.steps
    last = []
    for _ in loop.epochs(0):
        last.append(float(loop._rate))
    expected = [rate_at(PROXY, (epoch + 1) * loop.steps - 1, total) for epoch in range(PROXY.epochs)]
    assert last == pytest.approx(expected)


def test_normalisation_counts_again_afterwards():
    _, built, _, _ = trained(PROXY, coloured())
    counts = [value for name, value in built.state_dict().items() if name.endswith("num_batches_tracked")]
    assert counts


def test_says_why_there_is_no_graph():
    assert trained(PROXY, coloured())[0].graph == "eager: cpu"
