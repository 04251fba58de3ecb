"""Everything that trains, on a cluster of two nodes on this machine that stand for machines with a GPU each."""

import json
import os
import secrets
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from search import open_run
from search.compare.evaluation import read_evaluation
from search.models.model import is_model, load_model
from space import build, decode
from space.weights import Conventions, Weights, weights_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PARENT = decode("r16_i8_s1/mb_d2_k5_s2_e4_w16/mb_d1_k3_s2_e4_w24/h32_c7")
LEAD = "r24_i16_s1/fused_d1_k3_s2_e1_w16/mb_d2_k3_s2_e4_w32_se0.25/mb_d2_k3_s2_e4_w64_se0.25/h128_c10"
BASE = "r16_i8_s1/fused_d2_k3_s1_e1_w16/mb_d2_k3_s2_e3_w32_se0.25/h64_c10"
IMAGES = ("data=shapes", "data.images=160", "data.test_images=40")
SERIAL = ("executor=serial",)
CLUSTER = """
import sys
from ray.cluster_utils import Cluster

if __name__ == "__main__":
    each = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 10**8}
    cluster = Cluster(initialize_head=True, head_node_args={**each, "include_dashboard": False})
    cluster.add_node(**each)
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="module")
def environment(home):
    paths = os.pathsep.join(filter(None, sys.path))
    ours = {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1"}
    # By default Ray's workers yield to everything else on the machine.
    rays = {
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
    }
    return os.environ | ours | rays


@pytest.fixture(scope="module")
def ray_words(home, environment):
    """The settings that name the cluster and a share of a GPU."""
    script = home / "cluster.py"
    script.write_text(textwrap.dedent(CLUSTER))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen([sys.executable, str(script)], **pipes) as cluster:
        address = next(line for line in map(str.strip, cluster.stdout) if line[-1:].isdigit())
        yield ("executor=ray", f"executor.address={address}", "executor.resources={gpu: 0.25}")
        cluster.stdin.close()


@pytest.fixture(autouse=True)
def _at_home(home, monkeypatch):
    monkeypatch.chdir(home)


@pytest.fixture
def command(environment):
    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, env=environment, timeout=1500
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    return run


def models(folder):
    return {path.name: path for path in folder.glob("*") if is_model(path)}


def test_children_of_a_parent_are_trained_as_by_a_serial_search(home, command, ray_words):
    torch.manual_seed(0)
    (home / "parent.safetensors").write_bytes(
        weights_file(Weights(PARENT, build(PARENT).state_dict(), Conventions()))
    )
    words = ("search", "launch", f"space=inside:{PARENT}", "weights=parent.safetensors", *IMAGES, "trials=4")
    words += ("reward=accuracy", "finals=off", "proxy.epochs=2", "proxy.images=64", "sampler=random")
    words += ("proxy.recalibrate_bn=32", "proxy.device=cpu")
    for name, executor in (("nodes", ray_words), ("here", SERIAL)):
        command(*words, *executor, f"run={name}")
    found = [
        {
            t.number: (t.state, t.architecture, t.result.accuracy, t.result.curve)
            for t in open_run(name).trials
        }
        for name in ("nodes", "here")
    ]
    assert found[0] == found[1] and {trial[0] for trial in found[0].values()} == {"complete"}


def test_a_comparison_is_killed_and_ends_as_a_serial_one(home, command, environment, ray_words):
    words = ("search", "compare", LEAD, *IMAGES, "seeds=2", "recipe.epochs=2", "recipe.batch=32", "rates=1")
    words += ("match=params", "networks=resnet-18", "split=test", "recipe.device=cpu")
    at_nodes = (*words, *ray_words, "out=nodes")
    with subprocess.Popen(
        [sys.executable, "-m", *at_nodes], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        while not models(home / "nodes"):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = {name: (path / "model.json").stat().st_mtime_ns for name, path in models(home / "nodes").items()}
    assert "resnet-18" in command(*at_nodes)
    command(*words, *SERIAL, "out=here")
    found, wanted = models(home / "nodes"), models(home / "here")
    assert found.keys() == wanted.keys() and len(wanted) == 4
    assert all((found[name] / "model.json").stat().st_mtime_ns == when for name, when in before.items())
    for name, folder in found.items():
        assert read_evaluation(folder, "test") == read_evaluation(wanted[name], "test")
        ours, theirs = (load_model(path).weights.tensors for path in (folder, wanted[name]))
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())


def test_a_check_of_the_proxy_trains_the_same(home, command, ray_words):
    words = ("search", "check-proxy", "space=tiny_space", "proxy=tiny", *IMAGES, "networks=3")
    words += ("longer.epochs=2", "proxy.device=cpu")
    journals = []
    for executor in (ray_words, SERIAL):
        command(*words, *executor)
        lines = (home / "checks" / "trainings.jsonl").read_text().splitlines()
        journals.append(sorted((*key, one["accuracy"], one["loss"]) for *key, one in map(json.loads, lines)))
        (home / "checks" / "trainings.jsonl").unlink()
    assert journals[0] == journals[1] and len(journals[0]) == 6


def test_a_fit_trains_the_same(home, command, ray_words):
    words = ("scaling", "fit", "--base", BASE, "--step", "0.3", "--leaders", "1", "--seeds", "1", *IMAGES)
    words += ("proxy.epochs=1", "proxy.device=cpu")
    for name, executor in (("fit-nodes", ray_words), ("fit-here", SERIAL)):
        command(*words, *executor, f"run={name}")
    found = [
        {(t.architecture, t.result.accuracy) for t in open_run(name).trials}
        for name in ("fit-nodes", "fit-here")
    ]
    assert found[0] == found[1] and found[0]
