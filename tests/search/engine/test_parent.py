import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from search import launch, open_run
from search.compare.comparison import random_search
from search.compare.plan import plan_of
from search.config import Config
from search.data import load
from search.engine.display import Silent
from search.engine.launch import prepared, resume
from search.engine.parent import inheriting, parent_of, source_of
from search.models.model import Model, save_model
from search.proxy.evaluate import EvaluateChildren, evaluate
from search.runs.run import PARENT
from space import UserError, build, decode
from space.weights import Conventions, Weights, weights_file
from space.weights.files import read_weights

NETWORK = decode("r16_i8_s1/mb_d2_k5_s2_e4_w16/mb_d1_k3_s2_e4_w24/h32_c7")
DATA = {"data": "shapes", "data.images": 120}
SETTINGS = DATA | {"space": f"inside:{NETWORK}", "reward": "accuracy", "trials": 2, "executor": "serial"}
SETTINGS |= {"finals": "off", "proxy.epochs": 1, "proxy.images": 64, "proxy.recalibrate_bn": 32}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "parent.safetensors"
    path.write_bytes(weights_file(Weights(NETWORK, build(NETWORK).state_dict(), Conventions())))
    return path


@pytest.fixture
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(settings):
    with pytest.raises(UserError) as refused:
        source_of(Config.of({"proxy": "finetune", **DATA, **settings}))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.usefixtures("_here")
def test_a_search_over_children_inherits_and_resumes(weights):
    run = launch({**SETTINGS, "weights": str(weights)})
    assert [trial.state for trial in run.trials] == ["complete"] * 2
    file = (run.path / PARENT).read_bytes()
    assert read_weights(file).architecture.classes == 10
    assert open_run(run.name).config.proxy.parent == run.config.proxy.parent != "weights"
    assert len(resume(run.name, {"trials": 3}).trials) == 3
    other = read_weights(file)
    other.tensors["head.classifier.bias"].add_(1)
    (run.path / PARENT).write_bytes(weights_file(other))
    with pytest.raises(UserError, match="has changed since the run began"):
        resume(run.name, {"trials": 4})


@pytest.mark.usefixtures("_here")
def test_weights_belong_to_the_fidelity(weights, tmp_path):
    other = tmp_path / "other.safetensors"
    other.write_bytes(weights_file(Weights(NETWORK, build(NETWORK).state_dict(), Conventions())))
    first, same, second = (
        prepared({**SETTINGS, "weights": str(path)}).config.proxy.parent for path in (weights, weights, other)
    )
    assert first == same != second
    assert prepared({**SETTINGS, "weights": str(weights)}).decisions[0].setting == "proxy=finetune"


def test_weights_and_the_proxy_need_each_other(weights):
    assert "needs the weights of a parent" in refusal({"space": f"inside:{NETWORK}"})
    given = {"space": f"inside:{NETWORK}", "weights": str(weights)}
    assert "only read with proxy=finetune" in refusal({**given, "proxy": "tiny"})
    assert "proxy.parent=weights" in refusal({**given, "proxy.parent": "abc"})


def test_weights_of_another_network_are_refused_with_the_reason(weights):
    assert "is not a child of" in refusal({"space": "inside:b0", "weights": str(weights)})
    wider = refusal({"space": f"inside:{NETWORK}", "space.stages.0.kernel": 7, "weights": str(weights)})
    assert "kernel 7 cannot be taken from the parent's 5" in wider
    assert "Unknown file" in refusal({"space": f"inside:{NETWORK}", "weights": "nothing.safetensors"})


def test_other_classes_and_channels_are_said(weights, tmp_path):
    config = Config.of({**SETTINGS, "proxy": "finetune", "weights": str(weights)})
    data = load(config.data, 16)
    parent = parent_of(source_of(config), "FILE", data)
    assert parent.remarks == ("the classifier is new: FILE has 7 classes, the data have 10",)
    assert not read_weights(parent.file).tensors["head.classifier.weight"].any()
    grey = parent_of(source_of(config), "FILE", replace(data, channels=1))
    assert grey.remarks[1] == "the stem is adapted from 3 to 1 image channels"


def test_a_model_of_the_same_classes_keeps_its_classifier(tmp_path):
    data = load(Config.of(DATA).data, 16)
    network = replace(NETWORK, classes=10)
    kept = Weights(network, build(network).state_dict(), Conventions())
    for classes, remarks in ((data.classes, 0), (tuple("abcdefghij"), 1)):
        save_model(Model(kept, classes), tmp_path / "model")
        config = Config.of({**SETTINGS, "proxy": "finetune", "weights": str(tmp_path / "model")})
        assert len(parent_of(source_of(config), "MODEL", data).remarks) == remarks


def test_an_evaluation_without_its_parent_is_refused(tmp_path):
    config = Config.of({**SETTINGS, "proxy": "finetune"}).inheriting("0" * 12)
    with pytest.raises(UserError, match="Cannot read"):
        inheriting(evaluate, config, tmp_path)
    assert inheriting(print, config, tmp_path) is print
    assert inheriting(evaluate, Config.of(DATA), tmp_path) is evaluate
    assert EvaluateChildren(b"").file == b""


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_a_search_over_children_that_is_killed_ends_as_one_that_is_not(weights):
    """kill -9 at a random moment of the second or the third trial; trials are equal to the bit after the resume."""
    settings = {**SETTINGS, "proxy.epochs": 3, "trials": 4, "weights": str(weights), "step": "measured"}
    whole = launch({**settings, "run": "whole"})
    command = [sys.executable, "-u", "-m", "search", "launch", "run=killed"]
    command += [f"{key}={value}" for key, value in settings.items()]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    last = random.randint(0, 1)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        seen = next((line for line in process.stdout if line.startswith(f"trial {last} ")), None)
        time.sleep(random.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
    assert seen and process.returncode == -signal.SIGKILL
    done = {trial.number for trial in open_run("killed").trials if trial.state == "complete"}
    assert last in done and len(done) < 4
    resumed = resume("killed", {})

    def trained(run):
        return [(t.number, t.state, t.architecture, t.result.accuracy, t.result.loss, t.result.curve)
                for t in run.trials]  # fmt: skip

    assert len(resumed.trials) == 4
    assert trained(resumed) == trained(whole)


@pytest.mark.usefixtures("_here")
def test_the_random_search_of_a_comparison_inherits_too(weights):
    run = launch({**SETTINGS, "weights": str(weights), "sampler": "evolution"})
    settings = {"networks": None, "executor": "serial"}
    random = random_search(plan_of([run.name], settings), print, Silent())
    assert (random.path / PARENT).read_bytes() == (run.path / PARENT).read_bytes()
    assert [trial.state for trial in random.trials] == ["complete"] * 2
    # Without the weights nothing is created.
    (random.path / "config.yaml").unlink()
    random.path.rename(random.path.with_name("away"))
    (run.path / PARENT).unlink()
    with pytest.raises(UserError, match="Cannot read"):
        random_search(plan_of([run.name], settings), print, Silent())
    assert not random.path.exists()
