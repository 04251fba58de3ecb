from dataclasses import replace

import pytest
import torch
from torchvision.models import efficientnet

from space.catalog import published
from space.model import build
from space.refusal import Refused
from space.weights import from_ours, to_ours

NAMES = [*(f"b{n}" for n in range(8)), "v2-s", "v2-m", "v2-l"]
QUICK = ("b0", "b3", "v2-s")


def theirs(name, **options):
    """torchvision's network of our name."""
    return getattr(efficientnet, f"efficientnet_{name.replace('-', '_')}")(weights=None, **options)


def shaken(network):
    """`network` in eval mode with normalisation that is not trivial."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.3)
        elif isinstance(module, torch.nn.Conv2d) and module.bias is None:
            # torchvision's depthwise weights begin so small that nothing would be compared.
            torch.nn.init.normal_(module.weight, std=(2 / module.weight[0].numel()) ** 0.5)
    return network.eval()


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_match_and_the_round_trip_is_exact(name):
    architecture = published(name).architecture
    with torch.device("meta"):
        weights = theirs(name).state_dict()
        network = build(architecture)
    ours = to_ours(weights, architecture)
    assert list(ours) == list(network.state_dict())
    network.load_state_dict(ours, assign=True)
    back = from_ours(network.state_dict(), architecture)
    assert back.keys() == weights.keys()
    # The very same tensors: no bit can have changed.
    again = from_ours(ours, architecture)
    assert all(again[key] is weights[key] for key in weights)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_logits_equal_theirs(name):
    torch.manual_seed(3)
    other = shaken(theirs(name))
    architecture = published(name).architecture
    eps = other.features[0][1].eps
    assert eps == (1e-5 if name in ("b0", "b1", "b2", "b3", "b4") else 1e-3)
    network = build(architecture, norm_eps=eps).eval()
    network.load_state_dict(to_ours(other.state_dict(), architecture))
    x = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(network(x), other(x))


def test_other_classes_are_loaded_too():
    architecture = replace(published("b0").architecture, classes=7, resolution=64)
    with torch.device("meta"):
        weights = theirs("b0", num_classes=7).state_dict()
    assert to_ours(weights, architecture)["head.classifier.weight"].shape == (7, 1280)


@pytest.fixture
def weights():
    with torch.device("meta"):
        return theirs("b0").state_dict()


def refusal(weights, **options):
    with pytest.raises(Refused) as refused:
        to_ours(weights, published("b0").architecture, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_missing_tensors_are_refused(weights):
    del weights["features.2.1.block.0.1.running_var"]
    said = "These are no torchvision weights of this architecture: they lack"
    assert refusal(weights) == f"{said} 'features.2.1.block.0.1.running_var'."
    assert refusal({}) == f"{said} 'features.0.0.weight' and 359 more."


def test_unexpected_tensors_are_refused(weights):
    weights["module.extra"] = torch.zeros(1)
    assert refusal(weights) == (
        "This architecture has no place for 'module.extra' of these torchvision weights."
    )


def test_tensors_of_another_shape_are_refused(weights):
    weights["classifier.1.weight"] = torch.zeros(10, 1280)
    assert refusal(weights) == (
        "classifier.1.weight has shape (10, 1280) in these torchvision weights; here it must be (1000, 1280)."
    )


def test_the_weights_of_another_network_are_refused(weights):
    with pytest.raises(Refused, match=r"they lack 'features\.1\.1\.block\.0\.0\.weight' and"):
        to_ours(weights, published("b1").architecture)
    with pytest.raises(Refused, match="no our weights"):
        from_ours(weights, published("b0").architecture)


def test_an_unknown_format_is_refused(weights):
    assert refusal(weights, format="torchvison") == (
        "Unknown weight format 'torchvison'. Did you mean 'torchvision'? Permitted: torchvision."
    )
