from dataclasses import replace

import pytest
import torch

from search.data.dataset import load, source_from
from search.proxy.classifier import fit_classifier
from search.proxy.proxy import Proxy
from search.proxy.training import train
from search.proxy.validation import recalibrate, validate
from space import build, decode
from space.weights import Conventions, Weights, rebuild
from space.weights.children import inherit

PARENT = decode("r16_i8_s1/mb_d2_k5_s2_e4_w16_se0.25/mb_d1_k3_s2_e4_w24/h32_c10")
CHILD = decode("r16_i8_s1/mb_d1_k3_s2_e3_w16_se0.25/mb_d1_k3_s2_e4_w16/h32_c10")
CPU = torch.device("cpu")
FINETUNE = Proxy(
    parent="weights", width=1, resolution=16, stem_stride=None, epochs=0, batch=32, recalibrate_bn=64
)


@pytest.fixture(scope="module")
def data():
    return load(source_from({"source": "shapes", "images": 300}), 16)


@pytest.fixture(scope="module")
def parent():
    torch.manual_seed(0)
    return Weights(PARENT, build(PARENT).state_dict(), Conventions())


def test_the_classifier_is_the_optimum_whatever_it_was_before(data, parent):
    network, seen = rebuild(parent), replace(data, validation=data.train)
    recalibrate(network, data, CPU, 64)
    before = validate(network, seen, CPU)
    fit_classifier(network, data, CPU, FINETUNE.images)
    fitted = validate(network, seen, CPU)
    classifier = network.get_submodule("head.classifier")
    first = classifier.weight.clone()
    classifier.weight.data.normal_()
    fit_classifier(network, data, CPU, FINETUNE.images)
    assert torch.equal(first, classifier.weight)
    assert fitted.loss < before.loss and fitted.accuracy > before.accuracy


def test_a_classifier_without_a_bias_is_the_optimum_of_those_without(data, parent):
    plain, seen = replace(PARENT, head=replace(PARENT.head, bias=False)), replace(data, validation=data.train)
    network, biased = build(plain), rebuild(parent)
    network.load_state_dict({k: v for k, v in parent.tensors.items() if k != "head.classifier.bias"})
    for one in (network, biased):
        recalibrate(one, data, CPU, 64)
        fit_classifier(one, data, CPU, None)
    assert network.get_submodule("head.classifier").bias is None
    own = validate(network, seen, CPU).loss
    network.get_submodule("head.classifier").weight.data = biased.get_submodule("head.classifier").weight.data
    assert own < validate(network, seen, CPU).loss


def test_without_epochs_the_features_stay_those_of_the_parent(data, parent):
    one, other = (train(CHILD, data, FINETUNE, seed, parent=parent) for seed in (0, 1))
    assert (one.accuracy, one.curve, one.images) == (other.accuracy, (), 0)


def test_a_fine_tuning_starts_from_inherited_weights_in_the_parents_conventions(data, parent):
    proxy = FINETUNE.model_copy(
        update={"epochs": 1, "learning_rate": 1e-9, "weight_decay": 0.0, "recalibrate_bn": 300}
    )
    network = rebuild(inherit(parent, CHILD))
    own = train(CHILD, data, proxy, 0, parent=parent)
    normalised = replace(data, mean=parent.conventions.mean, std=parent.conventions.std)
    recalibrate(network, normalised, CPU, 300)
    assert own.loss == pytest.approx(validate(network, normalised, CPU).loss, rel=1e-3)


def test_layers_before_the_classifier_have_a_rate_of_their_own(data, parent):
    proxy = FINETUNE.model_copy(update={"epochs": 1, "backbone_lr_scale": 0.0, "weight_decay": 0.0})
    frozen = train(CHILD, data, proxy, 0, parent=parent)
    free = train(CHILD, data, proxy.model_copy(update={"backbone_lr_scale": 1.0}), 0, parent=parent)
    assert frozen.curve != free.curve
