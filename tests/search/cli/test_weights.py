import json
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner
from helpers.libraries import theirs
from safetensors.torch import load_file

from search.cli.main import search
from search.models.model import load_model
from space.refusal import UserError
from space.weights import load_weights

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture(scope="module")
def b0():
    torch.manual_seed(5)
    return theirs("timm", "b0").state_dict()


@pytest.fixture
def file(b0):
    torch.save(b0, "b0.pth")
    return "b0.pth"


def ran(*words):
    result = CliRunner().invoke(search, ["weights", *words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refusal(*words):
    result = CliRunner().invoke(search, ["weights", *words])
    assert isinstance(result.exception, UserError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_or_told_as_json(file):
    found = json.loads(ran(file, "--json"))
    assert found["names"].startswith("timm")
    assert found["conventions"]["norm_eps"] == 1e-5
    assert found["network"]["classes"] == 1000


def test_what_is_found_is_shown(file):
    assert ran(file).splitlines() == [
        "b0.pth: timm, style plain assumed",
        f"network        b0, {load_weights(file).architecture}",
        "parameters     5,288,548 (float32); classes 1000, image channels 3",
        "padding        symmetric",
        "batch norm     eps 1e-05, momentum 0.1",
        "normalisation  imagenet: mean 0.485 0.456 0.406, std 0.229 0.224 0.225",
    ]


def test_weights_are_adapted_and_written(file, tmp_path):
    said = ran(
        file, "--style", "tf", "--classes", "10", "--channels", "1", "--seed", "3", "--out", "my.safetensors"
    )
    assert said.endswith("normalisation  its own: mean 0.449, std 0.226\nwrote my.safetensors, names: ours\n")
    loaded = load_weights("my.safetensors")
    assert (loaded.architecture.classes, loaded.architecture.channels) == (10, 1)
    assert (loaded.conventions.padding, loaded.conventions.norm_eps) == ("same", 1e-3)
    assert ran("my.safetensors").startswith("my.safetensors: timm, style tf\n")
    assert {path.name for path in tmp_path.iterdir()} == {"b0.pth", "my.safetensors"}


def test_there_and_back_is_the_same_to_the_bit(file, b0):
    ran(file, "--to", "efficientnet_pytorch", "--out", "1.safetensors")
    ran("1.safetensors", "--to", "torchvision", "--out", "2.safetensors")
    assert ran("2.safetensors", "--to", "timm", "--out", "3.safetensors").endswith(
        "names: timm (style plain)\n"
    )
    back = load_file("3.safetensors")
    assert back.keys() == b0.keys()
    assert all(torch.equal(back[name], b0[name]) for name in b0)


def test_what_the_other_library_does_otherwise_is_said(file):
    assert ran(file, "--style", "tf", "--to", "torchvision", "--out", "a.safetensors").splitlines()[-2:] == [
        "note: torchvision builds this network with batch norm eps 1e-05; set 0.001.",
        "note: torchvision pads symmetric, not same: outputs are equal only on images of 32n + 1 pixels.",
    ]
    assert "note:" not in ran(file, "--to", "torchvision", "--out", "a.safetensors")


def test_a_model_is_made_of_them(file, tmp_path):
    said = ran(file, "--style", "tf", "--model", "b0")
    assert said.endswith("wrote b0, classes: tench, goldfish, great white shark, ...\n")
    made = load_model(tmp_path / "b0")
    assert made.trained
    assert made.provenance.origin == "timm, style tf"
    assert made.weights.conventions == load_weights(file, style="tf").conventions
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    ran(file, "--model", "pets", "--classes", "2", "--labels", "names.txt")
    made = load_model(tmp_path / "pets")
    assert (made.classes, made.trained) == (("cat", "dog"), False)


def test_mistakes_write_nothing(file, tmp_path):
    assert refusal(file, "--out", "a.pt") == "--out a.pt: weights can only be written as FILE.safetensors."
    assert "Did you mean 'timm'" in refusal(file, "--to", "tim", "--out", "a.safetensors")
    assert "Did you mean 'b0'" in refusal(file, "--network", "b00", "--out", "a.safetensors")
    assert "they lack" in refusal(file, "--network", "v2-s", "--out", "a.safetensors")
    assert "Cannot read names.txt" in refusal(file, "--model", "m", "--labels", "names.txt")
    assert "Did you mean 'b0.pth'" in refusal("b00.pth", "--out", "a.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {"b0.pth"}


def test_a_mistake_is_one_line_and_exit_code_2(file):
    command = [sys.executable, "-m", "search", "weights", file, "--out", "b0.pt"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "search: --out b0.pt: weights can only be written as FILE.safetensors.\n"
