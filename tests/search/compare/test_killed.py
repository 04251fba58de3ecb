"""Whole comparisons in processes of their own, killed once and continued."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from search.models.model import is_model

LEAD = "r24_i16_s1/fused_d1_k3_s2_e1_w16/mb_d2_k3_s2_e4_w32_se0.25/mb_d2_k3_s2_e4_w64_se0.25/h128_c4"
RIVALS = "mobilenet-v3-small,shufflenet-v2-1.0,resnet-18"
WORDS = (
    *("data=npz", "data.path=images.npz", "seeds=2", "recipe.epochs=2", "recipe.batch=32"),
    *("recipe.device=cpu", "executor=serial", "match=params", "out=here"),
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with 160 images of four classes that differ in brightness."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    labels = np.arange(160) % 4
    images = rng.integers(0, 60, (160, 24, 24, 3)) + 50 * labels[:, None, None, None]
    split = {"train": slice(0, 120), "test": slice(120, 160)}
    arrays = {f"{name}_x": images[part].astype(np.uint8) for name, part in split.items()}
    np.savez("images.npz", **arrays, **{f"{name}_y": labels[part] for name, part in split.items()})
    return tmp_path


def models(folder):
    """The time of each finished model of a comparison."""
    return {
        path.name: (path / "model.json").stat().st_mtime_ns for path in folder.iterdir() if is_model(path)
    }


def killed_and_continued(folder, *command):
    """Kill a command with SIGKILL after its second training, run it again, and return its output."""
    process = subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL)
    while not folder.exists() or len(models(folder)) < 2:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = models(folder)
    again = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=True)
    after = models(folder)
    assert len(after) > len(before) >= 2
    assert {name: after[name] for name in before} == before
    return again.stdout


@pytest.mark.slow
def test_a_comparison_is_killed_and_continued(home):
    command = ("search", "compare", LEAD, *WORDS, "rates=0.5,1", f"networks={RIVALS}", "split=test")
    output = killed_and_continued(home / "here", *command)
    # Two rates with the first seed, and one training with the second, of four networks.
    assert len(models(home / "here")) == 12
    table = json.loads((home / "here" / "comparison.json").read_text())["rows"]
    assert [row["what"] for row in table[1:]] == RIVALS.split(",")
    assert all(row["n"] == 2 and row["images"] == 40 and row["rate"] in (0.5, 1) for row in table)
    assert all(0.9 < row["share"] < 1.1 for row in table[1:])
    assert all(row["difference_half"] > 0 for row in table[1:])
    looks = json.loads((home / "here" / "test_looks.json").read_text())
    assert len(looks) == 1 and len(looks[0]["models"]) == 8
    assert "The test split was evaluated once" in output


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_families_are_killed_and_continued(home):
    command = ("scaling", "compare", LEAD, "--family", "0,1", "--rule", "width", *WORDS, "rates=1")
    output = killed_and_continued(home / "here", *command, "networks=resnet-18")
    folder = home / "here"
    table = json.loads((folder / "comparison.json").read_text())["rows"]
    assert [row["level"] for row in table] == [0, 0, 1, 1]
    assert table[0]["params"] < table[2]["params"]
    assert all(row["latency_ms"] > 0 and row["step_ms"] > 0 for row in table)
    assert {path.name for path in folder.glob("accuracy*")} == {"accuracy.png", "accuracy.svg"}
    with Image.open(folder / "accuracy.png") as image:
        assert image.width > 2 * image.height
    page = (folder / "index.html").read_text()
    assert all(f"accuracy-{name}" in page for name in ("latency", "step", "params"))
    assert "times that params" in output or "does not reach" in output
    assert "The area below the curve" in output
