import pytest
import torch
from torch import nn

from search.proxy.ema import Average
from search.training.optimizer import optimizer_of
from search.training.recipe import Recipe
from search.training.rmsprop import TensorFlowRMSProp
from space import decode
from space.network.network import build

TINY = decode("r8_i8_s1/fused_d1_k3_s2_e1_w8/h16_c3")


@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop", "rmsprop_tf"])
def test_every_parameter_is_in_one_group(name):
    network = build(TINY)
    optimizer = optimizer_of(network, Recipe(optimizer=name, backbone_lr_scale=0.1, weight_decay=0.2))
    own = [value for group in optimizer.param_groups for value in group["params"]]
    assert sorted(map(id, own)) == sorted(map(id, network.parameters()))
    for group in optimizer.param_groups:
        for value in group["params"]:
            assert group["weight_decay"] == (0.2 if value.ndim > 1 else 0)
            assert group["lr_scale"] == (
                1 if any(value is own for own in network.head.classifier.parameters()) else 0.1
            )


def test_rmsprop_has_the_recipes_constants():
    optimizer = optimizer_of(build(TINY), Recipe(optimizer="rmsprop", beta2=0.9, epsilon=1e-3))
    assert {optimizer.defaults[key] for key in ("alpha", "momentum")} == {0.9}
    assert optimizer.defaults["eps"] == 1e-3


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rmsprop_of_tensorflow_takes_the_steps_of_timm(momentum):
    timm = pytest.importorskip("timm.optim.rmsprop_tf")
    torch.manual_seed(0)
    one, other = nn.Linear(5, 4), nn.Linear(5, 4)
    other.load_state_dict(one.state_dict())
    settings = {"lr": 0.05, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.01, "momentum": momentum}
    ours, theirs = (
        TensorFlowRMSProp(one.parameters(), **settings),
        timm.RMSpropTF(other.parameters(), **settings),
    )
    for step in range(6):
        inputs = torch.randn(8, 5)
        for network, optimizer in ((one, ours), (other, theirs)):
            optimizer.zero_grad()
            network(inputs).square().mean().backward()
            for group in optimizer.param_groups:
                group["lr"] = 0.05 / (1 + step)
            optimizer.step()
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_frozen_parameters_are_in_no_group():
    network = build(TINY)
    network.stem.requires_grad_(False)
    optimizer = optimizer_of(network, Recipe())
    own = {id(value) for group in optimizer.param_groups for value in group["params"]}
    assert not own & {id(value) for value in network.stem.parameters()}


def test_the_running_average_follows_the_weights():
    network = nn.BatchNorm1d(1)
    average = Average(network, 0.9)
    nn.init.constant_(network.weight, 2.0)
    network.num_batches_tracked += 7
    average.update(network, 1)
    # After one step the decay is 2 / 11, not 0.9.
    assert average.tensors["weight"].item() == pytest.approx(1 + (1 - 2 / 11))
    assert average.tensors["num_batches_tracked"].item() == 7
    before = average.tensors["weight"].item()
    average.update(network, 10_000)
    assert average.tensors["weight"].item() == pytest.approx(before + 0.1 * (2 - before))
    assert not average.tensors["weight"].requires_grad
    assert torch.is_tensor(average.tensors["running_var"])
