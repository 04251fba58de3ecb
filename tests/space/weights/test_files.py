import subprocess
import sys
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from helpers.libraries import NAMES, OTHERS, other, theirs
from helpers.models import shaken

from space.architecture import decode
from space.catalog import published
from space.network.network import build
from space.refusal import UserError
from space.weights.conventions import Conventions
from space.weights.files import load_weights, weights_file
from space.weights.formats import WEIGHT_FORMATS
from space.weights.names import to_ours
from space.weights.weights import Weights, rebuild

SMALL = decode("r32_i8/mb_d1_k3_s2_e4_w8_se0.25/fused_d1_k3_s2_e4_w16/h16_c5")
V1_SMALL = decode("r32_i8/mb_d1_k3_s2_e1_w8_se0.25/mb_d2_k5_s2_e4_w16_se0.25/h16_c5")


def fresh(architecture, conventions=None):
    torch.manual_seed(5)
    tensors = shaken(build(architecture)).state_dict()
    return Weights(architecture, tensors, conventions or Conventions("same", 1e-5, 0.02), "here")


def written(path, weights, format="ours"):
    path.write_bytes(weights_file(weights, format))
    return path


def equal(tensors, others):
    """The same names, and the same bits."""
    return list(tensors) == list(others) and all(
        tensors[name].dtype == others[name].dtype and torch.equal(tensors[name], others[name])
        for name in tensors
    )


@pytest.mark.parametrize("format", WEIGHT_FORMATS)
def test_a_file_alone_is_its_weights_again(tmp_path, format):
    weights = fresh(V1_SMALL if format == "efficientnet_pytorch" else SMALL)
    loaded = load_weights(written(tmp_path / "a.safetensors", weights, format))
    assert loaded.architecture == weights.architecture
    assert loaded.conventions == weights.conventions
    assert loaded.origin == "here"
    assert equal(loaded.tensors, weights.tensors)


def test_another_process_rebuilds_the_same_function(tmp_path):
    weights = fresh(SMALL)
    written(tmp_path / "a.safetensors", weights)
    x = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    code = (
        "import torch; from space.weights import weight_format, load_weights, rebuild\n"
        "x = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)\n"
        f"print(rebuild(load_weights({str(tmp_path / 'a.safetensors')!r})).eval()(x)[0].tolist())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with torch.no_grad():
        assert ran.stdout.strip() == str(rebuild(weights).eval()(x)[0].tolist())


QUICK = [("torchvision", "b0"), ("timm", "b0"), ("timm tf", "v2-b0"), ("efficientnet_pytorch", "b0")]


@pytest.mark.parametrize(
    ("library", "name"),
    [
        pair if pair in QUICK else pytest.param(*pair, marks=pytest.mark.slow)
        for pair in ((library, name) for library, names in NAMES.items() for name in names)
    ],
)
def test_their_files_come_back_as_they_were(tmp_path, library, name):
    """From the library's network to a file of theirs, to a file of ours, to a file of theirs."""
    torch.manual_seed(5)
    other = theirs(library, name).state_dict()
    torch.save(other, tmp_path / "theirs.pth")
    format, _, style = library.partition(" ")
    loaded = load_weights(tmp_path / "theirs.pth", style=style or None)
    assert loaded.architecture == published(name).architecture
    ours = load_weights(written(tmp_path / "ours.safetensors", loaded))
    back = safetensors.torch.load(weights_file(ours, format))
    assert equal(dict(sorted(back.items())), dict(sorted(other.items())))


def hollow(network):
    """Its state dict, all zeros, in next to no memory."""
    tensors = network.state_dict().items()
    return {name: torch.zeros((), dtype=tensor.dtype).expand(tensor.shape) for name, tensor in tensors}


# One of each kind of names; the widths of a family bear the same.
KINDS = {
    "torchvision": (
        "mobilenet-v3-small",
        "mnasnet-b1-0.5",
        "shufflenet-v2-0.5",
        "googlenet",
        "inception-v3",
    ),
    "timm": ("mobilenet-v1", "inception-v4", "inception-resnet-v2", "xception"),
}


@pytest.mark.parametrize(
    ("library", "name"),
    [
        (library, name) if name in KINDS[library] else pytest.param(library, name, marks=pytest.mark.slow)
        for library in OTHERS
        for name in OTHERS[library]
    ],
)
def test_networks_of_other_families_are_recognised(tmp_path, library, name):
    with torch.device("meta"):
        network = other(library, name, num_classes=7)
    torch.save(hollow(network), tmp_path / "theirs.pth")
    loaded = load_weights(tmp_path / "theirs.pth")
    assert loaded.architecture == replace(published(name).architecture, classes=7)
    assert loaded.conventions == load_weights(tmp_path / "theirs.pth", format=library).conventions


@pytest.fixture
def b0(tmp_path):
    torch.manual_seed(5)
    torch.save(theirs("timm", "b0").state_dict(), tmp_path / "b0.pth")
    return tmp_path / "b0.pth"


def test_the_network_may_be_named_told_or_recognised(b0):
    architecture = published("b0").architecture
    for network in (None, "b0", architecture, str(architecture)):
        loaded = load_weights(b0, network)
        assert loaded.architecture == architecture
        assert loaded.origin == "timm, style plain assumed"
        assert loaded.conventions == Conventions("symmetric", 1e-5, 0.1)


def test_what_is_said_wins(b0, tmp_path):
    told = load_weights(b0, format="timm", style="tf", normalisation="inception")
    assert told.origin == "timm, style tf"
    assert told.conventions == Conventions("same", 1e-3, 0.1, (0.5,) * 3, (0.5,) * 3)
    file = written(tmp_path / "a.safetensors", told, "timm")
    assert load_weights(file).conventions == told.conventions
    assert load_weights(file, style="plain").conventions.norm_eps == 1e-5
    assert load_weights(file, normalisation="lite").conventions.padding == "same"
    assert load_weights(file, replace(told.architecture, resolution=64)).architecture.resolution == 64


def test_the_style_is_read_from_the_path(b0):
    named = b0.rename(b0.with_name("tf_efficientnet_b0_aa-827b6e33.pth"))
    assert load_weights(named).conventions == Conventions("same", 1e-3, 0.1)


def test_averaged_weights_are_said_to_be_those(tmp_path):
    torch.save({"state_dict_ema": theirs("timm", "b0").state_dict()}, tmp_path / "last.pth.tar")
    assert load_weights(tmp_path / "last.pth.tar").origin == "timm, style plain assumed, state_dict_ema"


def test_published_networks_take_classes_and_channels_from_the_file(tmp_path):
    torch.save(theirs("timm", "b0", num_classes=7, in_chans=1).state_dict(), tmp_path / "b0.pth")
    for network in (None, "b0"):
        loaded = load_weights(tmp_path / "b0.pth", network)
        assert loaded.architecture == replace(published("b0").architecture, classes=7, channels=1)
        assert len(loaded.conventions.mean) == 1


def refusal(path, *arguments, **options):
    with pytest.raises(UserError) as refused:
        load_weights(path, *arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value).replace(str(path), "FILE")


def test_another_network_is_refused(b0, tmp_path):
    said = "FILE: These are not timm weights of this architecture: they lack 'blocks.0.1.conv_dw.weight' and"
    assert refusal(b0, "b1").startswith(said)
    assert refusal(b0, str(replace(published("b0").architecture, classes=10))) == (
        "FILE: classifier.weight has shape (1000, 1280) in these timm weights; it must be (10, 1280)."
    )
    torch.save(build(SMALL).state_dict(), tmp_path / "small.pt")
    assert refusal(tmp_path / "small.pt") == (
        "FILE: no published network has these tensors (our names); name the network (--network, in Python network=)."
    )
    assert load_weights(tmp_path / "small.pt", SMALL).conventions == Conventions()


def test_mistakes_are_refused_before_the_file_is_read(tmp_path):
    nothing = tmp_path / "none.pth"
    assert "Did you mean 'b0'" in refusal(nothing, "b00")
    assert "Did you mean 'timm'" in refusal(nothing, format="tim")
    assert "Did you mean 'inception'" in refusal(nothing, normalisation="incept")
    assert "is not an architecture" in refusal(nothing, "r32/h3")
    assert "Unknown file" in refusal(nothing, "b0")


def test_a_damaged_header_is_refused(tmp_path):
    weights = fresh(SMALL)
    for key, value, said in (
        ("architecture", "r32_i8/what", "is not an architecture"),
        ("architecture", str(V1_SMALL), "they lack"),
        ("conventions", "{}{", "unreadable conventions"),
    ):
        header = {"architecture": str(SMALL), "conventions": "{}"} | {key: value}
        safetensors.torch.save_file(dict(weights.tensors), tmp_path / "a.safetensors", header)
        assert said in refusal(tmp_path / "a.safetensors")


def test_a_format_that_cannot_express_it_is_refused():
    with pytest.raises(UserError, match="it has only EfficientNet V1"):
        weights_file(fresh(SMALL), "efficientnet_pytorch")


def test_what_is_not_contiguous_is_written_too(tmp_path):
    weights = fresh(SMALL)
    last = {
        n: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t for n, t in weights.tensors.items()
    }
    loaded = load_weights(written(tmp_path / "a.safetensors", replace(weights, tensors=last)))
    assert equal(loaded.tensors, to_ours(weights.tensors, SMALL))


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.module.", "model.", "net.backbone.", "student.0.", "encoder."]
)
def test_any_prefix_of_all_names_is_removed(tmp_path, prefix):
    weights = fresh(SMALL)
    torch.save({f"{prefix}{name}": tensor for name, tensor in weights.tensors.items()}, tmp_path / "a.ckpt")
    assert equal(load_weights(tmp_path / "a.ckpt", SMALL).tensors, weights.tensors)


def test_a_prefix_that_only_some_names_have_is_a_part_of_them(tmp_path):
    tensors = {f"model.{name}": tensor for name, tensor in fresh(SMALL).tensors.items()} | {
        "loss.weight": torch.ones(3)
    }
    torch.save(tensors, tmp_path / "a.pth")
    assert "Weights of an unknown network" in refusal(tmp_path / "a.pth")


def test_weights_without_a_classifier_are_called_so(tmp_path):
    tensors = published("b0").architecture and build(published("b0").architecture).state_dict()
    torch.save({n: t for n, t in tensors.items() if "classifier" not in n}, tmp_path / "features.pth")
    assert refusal(tmp_path / "features.pth") == (
        "FILE: these are the tensors of b0 without all or part of its head, which is needed too."
    )


def test_weights_without_the_whole_head_are_called_so(tmp_path):
    tensors = other("torchvision", "mobilenet-v3-small").state_dict()
    torch.save({n: t for n, t in tensors.items() if "classifier" not in n}, tmp_path / "features.pth")
    assert refusal(tmp_path / "features.pth") == (
        "FILE: these are the tensors of mobilenet-v3-small without all or part of its head, which is needed too."
    )


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda tensor: tensor.to(torch.int8), "int8; weights are floating-point numbers"),
        (lambda tensor: tensor.to(torch.complex64), "complex64; weights are floating-point numbers"),
        (lambda tensor: tensor > 0, "bool; weights are floating-point numbers"),
        (lambda tensor: tensor.to_sparse(), "sparse; only ordinary tensors are read"),
        (lambda tensor: tensor.to("meta"), "without values; only ordinary tensors are read"),
    ],
)
def test_tensors_that_are_no_weights_are_refused_by_name(tmp_path, change, kind):
    name = "stem.conv.conv.weight"
    tensors = dict(fresh(SMALL).tensors)
    torch.save(tensors | {name: change(tensors[name])}, tmp_path / "a.pth")
    assert refusal(tmp_path / "a.pth", SMALL) == f"FILE: tensor {name!r} is {kind}."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "name", ["stem.conv.conv.weight", "stem.conv.norm.running_var", "head.classifier.bias"]
)
def test_values_that_are_not_finite_are_refused_by_the_name_of_the_tensor(tmp_path, value, name):
    tensors = {key: tensor.clone() for key, tensor in fresh(SMALL).tensors.items()}
    tensors[name].view(-1)[0] = value
    torch.save(tensors, tmp_path / "a.pth")
    count = f"{tensors[name].numel():,}"
    assert refusal(tmp_path / "a.pth", SMALL) == (
        f"FILE: tensor {name!r} is not finite: 1 of {count} values are NaN or infinite."
    )
