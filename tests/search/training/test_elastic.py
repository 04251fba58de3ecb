from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from search.models.model import load_model
from search.models.trained import read_trained
from search.training.elastic import Elastic
from search.training.loop import train
from search.training.recipe import Children, Recipe
from space import UserError, build, decode
from space.choices.inside import places
from space.weights import Conventions, Weights
from space.weights.children import inherit

PARENT = decode("r16_i8_s1/mb_d2_k5_s2_e4_w16_se0.25/mb_d2_k3_s2_e4_w24/h32_c10")
SETTINGS = Children(every=4)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build(PARENT)


def elastic(network, **settings):
    return Elastic(network, Conventions(), Children(every=4, **settings), seed=3, drop_path=0.0)


def test_steps_train_the_parent_its_smallest_child_and_random_children(network):
    networks = [elastic(network).network_at(step) for step in range(40)]
    assert networks == [elastic(network).network_at(step) for step in range(40)]
    assert set(networks[::4]) == {PARENT}
    (smallest,) = set(networks[2::4])
    assert all(stage.depth == 1 for stage in smallest.stages)
    assert len(set(networks[1::2])) > 10
    assert all(places(PARENT, child) for child in networks)


def test_a_child_computes_what_it_would_alone_and_its_gradients_are_the_parents(network):
    child = elastic(network).network_at(1)
    x = torch.randn(8, 3, 16, 16)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    logits = elastic(network).logits(child, x)
    alone = build(child)
    weights = Weights(PARENT, network.state_dict(), Conventions())
    alone.load_state_dict(inherit(weights, child).tensors)
    assert torch.allclose(logits, alone(x), atol=1e-5)
    logits.sum().backward()
    assert network.get_parameter("stem.conv.conv.weight").grad.abs().sum() > 0
    last = network.get_parameter("head.classifier.weight").grad
    assert not last[:, child.head.width :].any()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_distillation_compares_a_child_with_the_parent(network):
    x, labels = torch.randn(8, 3, 16, 16), torch.arange(8)

    def loss(share, step):
        taught = elastic(network, distill=share)
        return taught.loss(step, x, lambda logits: functional.cross_entropy(logits, labels)).item()

    assert loss(0.0, 0) == loss(0.5, 0)
    assert loss(0.0, 1) != loss(0.5, 1)


def test_a_model_of_an_elastic_training_keeps_the_order_of_its_channels(task, tmp_path):
    train(task(children={"every": 2}), tmp_path / "m")
    trained = read_trained(tmp_path / "m")
    assert trained.nested and trained.ordered(trained.weights) is trained.weights
    assert load_model(tmp_path / "m").recipe["children"]["every"] == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"freeze": "stem"}, "leave out freeze"),
        ({"architecture": decode("r16_i8_s1/basic_d1_k3_s2_w8/h16_c10")}, "op basic"),
    ],
)
def test_what_has_no_children_is_refused_before_anything_is_written(task, tmp_path, changes, reason):
    with pytest.raises(UserError, match=reason):
        train(replace(task(children={}), **changes), tmp_path / "m")
    assert not (tmp_path / "m" / "training.yaml").exists()


def test_children_cannot_be_compiled():
    with pytest.raises(ValueError, match="compile is not possible"):
        Recipe(children=SETTINGS, compile=True)
