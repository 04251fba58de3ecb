"""All forms of a model lie in one folder, and compute the same where nothing of ours is installed."""

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch
from helpers.models import model

from search.models import export as exporting
from search.models.export import export
from search.models.forms import FORMS
from search.models.forms.onnx import onnx_file
from search.models.model import load_model
from search.training.named_models import untrained
from space import UserError, decode, published
from space.weights import rebuild

MEMBER = decode("r33_i8_s1/fused_d2_k3_s2_e2_w16/mb_d2_k5_s2_e4_w24_se0.25/h40_c5")
ALWAYS = {"model.json", "model.safetensors", "architecture.json", "architecture.txt", "README.md"}
COMPUTED = {"network.py", "network.onnx", "network.pt2", "timm_network.py", "torchvision_network.py"}


@pytest.fixture(scope="module")
def member():
    return model(MEMBER, norm_eps=1e-4, classes=tuple("abcde"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, member):
    written = export("five", member, tmp_path_factory.mktemp("exported") / "five")
    assert not written.left_out
    assert set(written.files) == {path.name for path in written.directory.iterdir()} == ALWAYS | COMPUTED
    return written.directory


def test_the_folder_is_a_model(folder, member):
    found = load_model(folder)
    assert found.classes == member.classes
    assert all(torch.equal(found.weights.tensors[name], t) for name, t in member.weights.tensors.items())
    assert decode((folder / "architecture.txt").read_text()) == MEMBER
    assert json.loads((folder / "architecture.json").read_text()) == json.loads(json.dumps(asdict(MEMBER)))


def test_the_card_has_the_hash_of_every_other_file(folder):
    card = (folder / "README.md").read_text()
    for path in folder.iterdir():
        if path.name != "README.md":
            assert f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`" in card


ELSEWHERE = """
import sys, warnings
sys.modules.update(space=None, search=None, scaling=None, experiments=None)
warnings.simplefilter("ignore")
sys.path.insert(0, ".")
import numpy, onnxruntime, torch, safetensors.torch
import network, timm_network, torchvision_network

images = torch.from_numpy(numpy.load("images.npy"))
plain = network.Network().eval()
plain.load_state_dict(safetensors.torch.load_file("model.safetensors"))
session = onnxruntime.InferenceSession("network.onnx")
with torch.no_grad():
    numpy.savez(
        "logits.npz",
        python=plain(images),
        onnx=session.run(None, {"images": images.numpy()})[0],
        program=torch.export.load("network.pt2").module()(images),
        timm=timm_network.load("model.safetensors")(images),
        torchvision=torchvision_network.load("model.safetensors")(images),
    )
"""


def test_every_form_agrees_in_a_fresh_interpreter_without_this_package(folder, member, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    images = torch.randn(4, 3, 33, 33)
    np.save(tmp_path / "images.npy", images.numpy())
    subprocess.run([sys.executable, "-I", "-c", ELSEWHERE], cwd=tmp_path, check=True, env={})
    with torch.no_grad():
        expected = rebuild(member.weights).eval()(images).numpy()
    found = np.load(tmp_path / "logits.npz")
    assert set(found) == set(FORMS)
    for form in FORMS:
        np.testing.assert_allclose(found[form], expected, rtol=1e-5, atol=1e-5, err_msg=form)


def test_a_network_without_weights_has_no_forms_that_run(tmp_path):
    written = export("b0", untrained(published("b0").architecture, weights=False), tmp_path / "b0")
    assert set(written.files) == (ALWAYS | COMPUTED) - {"model.safetensors", "network.onnx", "network.pt2"}


def test_forms_that_cannot_be_are_left_out_unless_they_were_asked_for(tmp_path, monkeypatch):
    shuffled = model(decode("r32_i8/shufflev2_d2_k3_s2_w16/h16_c2"))
    for slow in ("onnx", "program"):
        monkeypatch.setitem(exporting.FORMS._ours, slow, FORMS["python"])
    with pytest.raises(UserError, match="cannot express shufflev2"):
        export("s", shuffled, tmp_path / "s", ["python", "timm"])
    with pytest.raises(UserError, match="cannot express shufflev2"):
        export("s", shuffled, tmp_path / "s", required=["timm"])
    with pytest.raises(UserError, match="Did you mean 'python'"):
        export("s", shuffled, tmp_path / "s", ["pyton"])
    assert not list(tmp_path.iterdir())
    written = export("s", shuffled, tmp_path / "s")
    assert set(written.left_out) == {"timm", "torchvision"}
    card = (tmp_path / "s" / "README.md").read_text()
    assert "- not written: timm. timm's notation cannot express shufflev2" in card


def test_a_folder_is_exported_again_but_not_over_other_files(tmp_path):
    small = model(decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c2"))
    export("one", small, tmp_path / "one", ["python", "timm"])
    export("one", small, tmp_path / "one", ["python"])
    assert {path.name for path in (tmp_path / "one").iterdir()} == ALWAYS | {"network.py"}
    (tmp_path / "one" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds notes\.txt, which would be deleted"):
        export("one", small, tmp_path / "one", ["python"])
    assert len(list((tmp_path / "one").iterdir())) == len(ALWAYS) + 2


def test_a_missing_package_leaves_its_form_out(tmp_path, monkeypatch):
    monkeypatch.setattr("search.models.onnx_reading.find_spec", lambda name: None)
    assert exporting.FORMS["onnx"].make is onnx_file
    small = model(decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c2"))
    monkeypatch.setitem(exporting.FORMS._ours, "program", FORMS["python"])
    assert set(export("one", small, tmp_path / "one").left_out) == {"onnx"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["b0", "v2-b0", "lite0", "mobilenet-v3-large", "googlenet", "shufflenet-v2-1.0"]
)
def test_published_networks_in_every_form_that_they_can_take(tmp_path, name):
    """ONNX and programs compare their logits with the network's before they are written."""
    made = model(published(name).architecture)
    written = export(name, made, tmp_path / name, required=("python", "onnx", "program"))
    assert not set(written.left_out) & {"python", "onnx", "program"}
