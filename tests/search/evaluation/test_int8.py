"""A model in int8 is compared with float32 on the test images of its data."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.models import model
from helpers.onnx_models import small_onnx

from search.cli.main import search
from search.data.npz import Npz
from search.evaluation import int8
from search.evaluation.int8 import in_int8, lines, report
from search.models.int8.losses import LayerLoss
from search.models.model import load_model, save_model
from search.models.onnx_reading import metadata_of
from space import UserError, decode

NETWORK = decode("r8_i8_s1/mb_d1_k3_s1_e1_w8_se0.25/h16_c2")
LABELS = np.arange(80) % 2
LEVELS = np.where(LABELS == 0, 20, 220) + LABELS.cumsum() % 9


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # torch's exporter takes seconds; its own tests are elsewhere.
    monkeypatch.setattr(int8, "onnx_file", lambda name, model, opset: small_onnx())
    monkeypatch.setattr("search.models.int8.losses._PAIRS", 6)
    monkeypatch.setattr("search.models.int8.losses._SETTLED_MS", 0.1)


def data(classes=("dark", "bright")):
    pixels = np.repeat(LEVELS.astype(np.uint8), 8 * 8 * 3).reshape(-1, 8, 8, 3)
    with open("data.npz", "wb") as file:
        np.savez(
            file, train_x=pixels, train_y=LABELS, test_x=pixels[:20], test_y=LABELS[:20], classes=classes
        )
    return Npz(source="npz", path="data.npz")


def trained():
    return model(NETWORK, classes=("dark", "bright"))


def test_nothing_is_lost_where_classes_are_far_apart():
    steps = []
    made = in_int8("pets", trained(), data(), progress=steps.append)
    assert made.before.accuracy == made.after.accuracy == 1
    assert (made.drop, made.half_interval, made.agreement, made.labelled) == (0, 0, 1, True)
    # Half of the 64 training images calibrate.
    assert made.calibration == 32
    assert (made.worst, made.remedies) == ((), ())
    assert [step.split()[0] for step in steps] == ["exporting", "calibrating", "comparing", "timing"]
    rows = {
        cells[1].strip(): cells[2:5] for cells in (line.split("|") for line in report(made)) if len(cells) > 5
    }
    assert [cell.strip() for cell in rows["accuracy on 20 test images"]][:2] == ["1.0000", "1.0000"]
    assert int(rows["bytes of the file"][1].replace(",", "")) == len(made.quantized.content)
    assert not any("quantise badly" in line or line.startswith("|") for line in lines(made))


def test_layers_and_remedies_are_named_where_more_than_a_point_is_lost(monkeypatch):
    monkeypatch.setattr(int8, "DROP", -1)
    made = in_int8("pets", trained(), data())
    assert {row.name for row in made.worst} <= {"stem.conv", "stages.0.0.depthwise", "head.classifier"}
    assert [text.split()[0] for text in made.remedies][:2] == ["act:", "no"]
    told = "\n".join(report(made))
    assert f"{made.worst[0].name} ({made.worst[0].share:.0%})" in told
    assert "what helps: act: relu6 or hardswish" in told
    spread = replace(made, worst=(), remedies=())
    assert "no single layer quantises badly" in "\n".join(report(spread))
    named = replace(made, worst=(LayerLoss("a", 0.1, 0.5),))
    assert "a (50%)" in "\n".join(report(named))


def test_images_of_other_classes_calibrate_and_labels_are_compared():
    made = in_int8("pets", trained(), data(classes=("day", "night")))
    assert not made.labelled
    assert made.drop == pytest.approx(1 - made.agreement)
    assert not any("accuracy" in line for line in report(made))
    assert any("same label as float32" in line for line in report(made))


def test_images_of_more_classes_than_the_models_calibrate():
    steps = []
    path = data(classes=("day", "night", "dusk")).path
    arrays = dict(np.load(path))
    arrays["train_y"], arrays["test_y"] = np.arange(80) % 3, np.arange(20) % 3
    np.savez(path, **arrays)
    made = in_int8("pets", trained(), Npz(source="npz", path=path), progress=steps.append)
    assert not made.labelled and made.before.mistakes == made.after.mistakes == ()


def test_changed_labels_are_not_called_lost_points(monkeypatch):
    monkeypatch.setattr(int8, "DROP", -1)
    steps = []
    in_int8("pets", trained(), data(classes=("day", "night")), progress=steps.append)
    assert "since 0.0 % of the labels change" in steps[-1]


def export(*words):
    return CliRunner().invoke(search, ["export-model", *words], catch_exceptions=False)


def test_the_command_writes_both_files_and_says_the_comparison():
    save_model(trained(), Path("pets"))
    data()
    result = export("pets", "data.npz", "--int8", "--float32", "first", "--out", "out", "--forms", "python")
    assert result.exit_code == 0
    assert "accuracy on 20 test images" in result.stdout
    assert "calibrating on 32 training images ..." in result.stderr
    names = {path.name for path in Path("out").iterdir()}
    assert names >= {"network.onnx", "network.int8.onnx", "network.py", "model.safetensors"}
    card = Path("out/README.md").read_text()
    assert "\n## int8\n" in card
    assert "in float32: stem.conv" in card
    assert re.search(r"\| network\.int8\.onnx \| ONNX in int8.* \|", card)
    assert metadata_of(Path("out/network.int8.onnx")).classes == ("dark", "bright")
    assert load_model(Path("out")).classes == ("dark", "bright")
    again = CliRunner().invoke(search, ["evaluate", "out/network.int8.onnx", "data.npz", "--json"])
    assert json.loads(again.stdout)["accuracy"] == 1
    assert export("pets", "--out", "out", "--forms", "python").exit_code == 0
    assert not Path("out/network.int8.onnx").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pets", "--int8"], "pets: which images|pets does not say where the images"),
        (
            ["pets", "data.npz", "--int8", "--float32", "last"],
            "Unknown layer that can stay in float32 'last'",
        ),
        (["fresh", "data.npz", "--int8"], "fresh is not trained; int8 needs trained weights"),
    ],
)
def test_mistakes(words, message):
    save_model(trained(), Path("pets"))
    save_model(model(NETWORK, trained=False), Path("fresh"))
    data()
    with pytest.raises(UserError, match=message) as refused:
        export(*words, "--out", "out")
    assert "\n" not in str(refused.value)
    assert not Path("out").exists()


def test_words_of_int8_need_it_and_missing_packages_are_named(monkeypatch):
    save_model(trained(), Path("pets"))
    for words in (["data.npz"], ["--float32", "first"]):
        result = export("pets", *words, "--out", "out")
        assert result.exit_code == 2
        assert f"{words[0]} needs --int8" in result.output
    monkeypatch.setattr("search.models.onnx_reading.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^--int8 needs onnx, onnxscript, onnxruntime: pip install"):
        export("pets", "--int8", "--out", "out")
