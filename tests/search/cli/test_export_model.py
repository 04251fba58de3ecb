"""`search export-model` as a user types it."""

import os

import pytest
from click.testing import CliRunner
from helpers.models import model

from search.cli.main import search
from search.models.model import load_model, save_model
from space import UserError, decode


@pytest.fixture(scope="module", autouse=True)
def trials(finished_run):
    return finished_run.trials


def modelled(*words):
    result = CliRunner().invoke(search, ["export-model", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_trial_as_a_model(tmp_path, trials):
    done = next(trial for trial in trials if trial.state == "complete")
    written = modelled(f"done:{done.number}", "--out", str(tmp_path / "m"), "--forms", "python,timm")
    assert "not trained" in written.stderr
    made = load_model(tmp_path / "m")
    assert made.architecture == done.architecture
    assert not made.trained
    assert (made.provenance.run, made.provenance.trial) == ("done", done.number)
    assert made.metric("accuracy", "validation").value == done.result.accuracy
    assert {path.name for path in (tmp_path / "m").iterdir()} >= {"network.py", "timm_network.py"}
    card = (tmp_path / "m" / "README.md").read_text()
    assert f"- search: run done, trial {done.number}" in card
    assert "of the proxy training, whose weights were not kept" in card


def test_a_run_stands_for_its_best_trial(tmp_path, trials):
    best = max((t for t in trials if t.terms), key=lambda trial: trial.terms.reward)
    modelled("done", "--out", str(tmp_path / "m"), "--forms", "python")
    assert load_model(tmp_path / "m").architecture == best.architecture


def test_published_networks_and_canonical_strings(tmp_path):
    text = "r32_i8/mb_d1_k3_s2_e2_w8/h16_c3"
    for what in ("mobilenet-v3-small-0.75", text):
        modelled(what, "--out", str(tmp_path / "m"), "--forms", "python")
        assert (tmp_path / "m" / "model.safetensors").exists()
    assert load_model(tmp_path / "m").architecture == decode(text)


def test_a_trained_model_keeps_its_weights(tmp_path):
    made = model(decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c3"), classes=("a", "b", "c"), recipe={"epochs": 2})
    save_model(made, tmp_path / "trained")
    written = modelled(str(tmp_path / "trained"), "--out", str(tmp_path / "m"), "--forms", "python")
    assert "not trained" not in written.stderr
    found = load_model(tmp_path / "m")
    assert (found.trained, found.classes, found.recipe) == (True, ("a", "b", "c"), {"epochs": 2})
    assert (tmp_path / "m" / "README.md").read_text().startswith("# trained\n")


def test_a_network_and_a_folder_are_required():
    for words, missing in ((["--out", "m"], "MODEL"), (["done"], "--out")):
        assert f"'{missing}'" in CliRunner().invoke(search, ["export-model", *words]).output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dome", "--out", "m"], "Did you mean 'done'"),
        (["done:99", "--out", "m"], "has no trial 99"),
        (["done", "--out", "m", "--forms", "onx"], "Did you mean 'onnx'"),
        (["b00", "--out", "m"], "Did you mean 'b0'"),
        (["r32_i8/mb_d1_k3_s2_e2_w8", "--out", "m"], "is not an architecture"),
        (["here/none", "--out", "m"], "Unknown network or run 'here/none'"),
    ],
)
def test_what_is_no_model_is_refused(words, message):
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(search, ["export-model", *words], catch_exceptions=False)
    assert not os.path.exists("m")
