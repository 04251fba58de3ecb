"""`search evaluate` as a user types it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.onnx_models import small_onnx

from search.cli.main import search
from search.evaluation.output import FILES
from space import UserError


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("small.onnx").write_bytes(small_onnx(classes=("dark", "grey", "bright")))
    labels = np.arange(30) % 3
    levels = np.array([10, 128, 240])[labels] + np.arange(30) % 7
    pixels = np.repeat(levels.astype(np.uint8), 8 * 8 * 3).reshape(-1, 8, 8, 3)
    with open("data.npz", "wb") as file:
        np.savez(
            file,
            train_x=pixels,
            train_y=labels,
            test_x=pixels,
            test_y=labels,
            classes=["dark", "grey", "bright"],
        )


def invoke(*words):
    return CliRunner().invoke(search, ["evaluate", *words], catch_exceptions=False)


def test_says_the_accuracy_and_the_tables():
    result = invoke("small.onnx", "data.npz")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "small on 30 images (npz, test)"
    assert lines[1].startswith("accuracy 0.") and "95 % interval" in lines[1]
    assert "expected calibration error" in result.output
    assert [line.split()[:2] for line in lines[6:9]] == [["dark", "10"], ["grey", "10"], ["bright", "10"]]
    assert "confusion matrix" in result.output
    assert "most confident mistakes" in result.output


def test_data_in_a_folder_with_an_equals_sign_are_no_setting():
    Path("lr=0.1").mkdir()
    Path("data.npz").rename("lr=0.1/data.npz")
    assert invoke("small.onnx", "./lr=0.1/data.npz").output.startswith("small on 30 images (npz, test)\n")


def test_writes_a_folder_once_more_but_not_over_other_files():
    said = json.loads(invoke("small.onnx", "data=npz", "data.path=data.npz", "--json", "--out", "out").stdout)
    assert {path.name for path in Path("out").iterdir()} == set(FILES)
    written = json.loads(Path("out/evaluation.json").read_text())
    assert written == {"schema": "compound-nas.evaluation", "version": 1, **said}
    rows = list(csv.DictReader(Path("out/classes.csv").read_text().splitlines()))
    assert [row["class"] for row in rows] == ["dark", "grey", "bright"]
    assert invoke("small.onnx", "data.npz", "--out", "out").exit_code == 0
    Path("out/notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds notes\.txt"):
        invoke("small.onnx", "data.npz", "--out", "out")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["smal.onnx", "data.npz"], "Did you mean 'small.onnx'"),
        (["small.onnx", "data.npz", "--split", "valid"], "Did you mean 'validation'"),
        (["small.onnx", "data=npzz"], "Did you mean 'npz'"),
        (["small.onnx", "reward=effnet"], "reward is not a setting of data"),
    ],
)
def test_mistakes(words, message):
    with pytest.raises(UserError, match=message):
        invoke(*words)
