import json
from pathlib import Path

import onnxruntime
import pytest
from click.testing import CliRunner

from search.cli.main import search
from search.cli.profile import _read
from search.models.model import load_model, save_model
from search.profiles import Profile
from search.training.named_models import untrained
from space import UserError, decode
from space.choices.loading import load_space

TINY = ("profile", "space=tiny_space", "networks=2", "batch=2")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, in an empty folder and with an empty cache. Its measurements are short."""
    monkeypatch.setattr("search.profiles.latency_bench._TAKES", 1)
    monkeypatch.setattr("search.profiles.latency_bench._MAX_PAIRS", 2)
    monkeypatch.setattr("search.profiles.step_bench._SECONDS", 0.1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda *words: CliRunner().invoke(search, words, catch_exceptions=False)


def test_a_profile_is_measured_kept_and_not_measured_again(run, tmp_path):
    first = run(*TINY)
    assert "22 blocks in 4 networks. About " in first.stderr
    assert "4 of 4 networks" in first.stderr
    assert "of 22 blocks of tiny_space measured in 4 networks" in first.stdout
    (path,) = (tmp_path / "cache/compound-nas/profiles").iterdir()
    assert f"wrote {path}" in first.stderr
    profile = Profile.load(path)
    assert (profile.space, profile.batch, profile.networks, profile.device.kind) == (
        "tiny_space",
        2,
        4,
        "cpu",
    )
    again = run(*TINY)
    assert "There is already a profile" in again.stderr
    assert again.stdout == first.stdout
    assert "4 of 4 networks" in run(*TINY, "--again").stderr


def test_a_profile_of_latencies_names_the_runtime(run):
    made = run("profile", "space=tiny_space", "cost=latency", "networks=2", "space.resolution=8")
    version = f"onnxruntime {onnxruntime.__version__}"
    assert f", {version}, 1 thread, 1 image in an inference: " in made.stderr
    assert f"; {version}, float32, 1 image at a time" in made.stdout


def test_networks_near_a_latency_are_measured_after_some_others(run, tmp_path, monkeypatch):
    monkeypatch.setattr("search.profiles.campaign.FIRST", 3)
    monkeypatch.setattr("search.profiles.campaign._ENOUGH", 2)
    words = ("profile", "space=effv2_32", "space.resolution=16", "cost=latency")
    run(*words, "networks=3", "--out", "whole.json")
    ms = round(0.7 * Profile.load(tmp_path / "whole.json").reference_ms, 3)
    made = run(*words, "networks=6", f"near={ms}ms", "--out", "near.json")
    assert "Measuring space effv2_32 at 16 px" in made.stderr
    assert f"Measuring networks near {ms:g} ms of space effv2_32 at 16 px" in made.stderr
    profile = Profile.load(tmp_path / "near.json")
    assert (profile.near, profile.networks) == (ms, 3)


def test_it_is_written_where_it_is_wanted(run, tmp_path):
    run(*TINY, "space.resolution=8", "--out", "mine.json")
    assert json.loads((tmp_path / "mine.json").read_text())["format"] == "compound-nas.profile"
    assert {path.name for path in tmp_path.iterdir()} == {"mine.json"}


def test_a_space_around_a_model_is_known(run):
    model = save_model(untrained(decode("r8_i8_s1/mb_d1_k3_s2_e2_w8/h8_c3")), Path("model"))
    for word in ("around", "inside"):
        space, cost, options = _read((f"space={word}:{model}", "batch=2"))
        assert space == load_space(f"{word}:{load_model(model).architecture}")
        assert (cost, options["batch"]) == ("step", 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["spce=tiny_space"], "Did you mean 'space'"),
        (["space=tiny"], "Did you mean 'tiny_space'"),
        (["batch=1"], "batch=1: it must be a whole number from 2 to 65,536"),
        (["batch=many"], "batch=many"),
        (["device=gpu"], "Did you mean 'cpu'"),
        (["precision=double"], "precision"),
        (["networks=0"], "networks=0"),
        (["cost=latency", "netwoks=3"], "Did you mean 'networks'"),
        (["cost=latency", "near=5kg"], "near: '5kg' is not a valid time"),
        (["near=5ms"], "near=5ms is for profiles of latencies: add cost=latency"),
    ],
)
def test_mistakes_write_nothing(run, tmp_path, words, said):
    with pytest.raises(UserError, match=said):
        run("profile", *words)
    assert not list(tmp_path.iterdir())
