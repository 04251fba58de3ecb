import os
import subprocess
import sys
import textwrap

import pytest
from helpers.gpus import made_up_gpus

from search.config import Config
from search.executors import EXECUTORS
from search.executors.base import cores
from search.executors.jobs import done
from search.proxy.evaluate import evaluate
from search.testing import Recorded, requests, slowly
from search.testing.evaluations import Parcel
from space import UserError

RAY = EXECUTORS["ray"]
TINY = {"proxy": "tiny", "space": "tiny_space", "data.images": 100, "data.test_images": 20}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"executor.address": "ray://10.0.0.1:10001"}, "cannot keep the ledger"),
        ({"executor.address": "somewhere"}, "auto or HOST:PORT"),
        ({"executor.resources": {"gpu": 0}}, "gpu is 0; it must be above 0"),
        ({"executor.workers": 0}, "executor.workers=0"),
        ({"executor.adress": "auto"}, "Did you mean 'executor.address'"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        Config.of({"executor": "ray", **settings})


def test_as_many_run_as_fit():
    assert RAY(executor="ray").fitting({"CPU": 7.0}) == 7
    assert RAY(executor="ray", workers=2).fitting({"CPU": 7.0}) == 2
    assert RAY(executor="ray", threads=4).fitting({"CPU": 7.0}) == 1
    shares = RAY(executor="ray", resources={"gpu": 0.1})
    assert shares.fitting({"CPU": 64.0, "GPU": 3.0}) == 30
    assert shares.fitting({"CPU": 64.0}) == 0
    assert RAY(executor="ray", resources={"disk": 2}).fitting({"CPU": 8.0, "disk": 5.0}) == 2


def test_a_cluster_of_others_is_as_large_as_it_is():
    assert RAY(executor="ray", address="auto").parallel is None
    assert RAY(executor="ray", address="auto", workers=3).parallel == 3
    assert RAY(executor="ray", threads=10_000).parallel == 1


def test_shares_of_the_gpus_of_this_machine_limit_the_trials():
    with made_up_gpus():
        assert RAY(executor="ray", resources={"cpu": 0.01, "gpu": 0.5}).parallel == 4
        assert RAY(executor="ray", workers=3, resources={"gpu": 0.5}).parallel == 3
        assert RAY(executor="ray", workers=16, resources={"gpu": 0.5}).parallel == 4
    assert RAY(executor="ray", resources={"cpu": 0.25}).parallel == 4 * cores()
    # Not as many as there are cores: the private cluster is given as many CPUs as the workers ask for.
    assert RAY(executor="ray", workers=2 * cores()).parallel == 2 * cores()


def test_choosing_it_does_not_import_ray():
    code = "import sys, search.engine.launch as launch; launch.Config.of({'executor': 'ray'}); "
    code += "print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def niceness(job, report):
    return os.nice(0)


@pytest.mark.slow
def test_workers_have_the_niceness_of_this_process():
    found = []
    executor = RAY(executor="ray", workers=1)
    assert not done(executor, [Parcel(0, b"")], niceness, lambda job, nice: found.append(nice))
    assert found == [os.nice(0)]


@pytest.mark.slow
def test_a_trial_that_takes_too_long_is_ended():
    engine = Recorded(requests(1))
    RAY(executor="ray", workers=1, timeout=0.05).run(engine, slowly)
    assert engine.errors == [(0, "took longer than 0.05 s", True)]


@pytest.mark.slow
def test_what_a_cluster_lacks_is_refused():
    with pytest.raises(UserError, match=" cpu, 0 unobtainium; a trial occupies 1 cpu, 2 unob"):
        RAY(executor="ray", resources={"cpu": 1, "unobtainium": 2}).run(Recorded(requests(1)), slowly)
    with pytest.raises(UserError, match=r"The Ray cluster 127\.0\.0\.1:9: "):
        RAY(executor="ray", address="127.0.0.1:9").check()


@pytest.mark.slow
def test_an_accuracy_is_the_same_to_the_bit_whatever_trains_it(tmp_path, monkeypatch):
    """A real training, alone and with a neighbour."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = Config.of(TINY)
    asked = [type(r)(**{f: getattr(r, f) for f in r.__slots__} | {"proxy": config.proxy, "source": config.data})
             for r in requests(3)]  # fmt: skip
    found = []
    for name, options in (("serial", {}), ("local", {"workers": 2}), ("ray", {"workers": 2})):
        engine = Recorded(asked)
        EXECUTORS[name](executor=name, **options).run(engine, evaluate)
        assert not engine.errors
        found.append({n: (r.accuracy, r.loss, r.curve) for n, r in engine.results.items()})
    assert found[0] == found[1] == found[2]


@pytest.mark.slow
def test_a_node_that_dies_takes_no_trial_along(tmp_path):
    """Two nodes on this machine, one of which is killed while both work."""
    script = tmp_path / "cluster.py"
    script.write_text(
        textwrap.dedent("""
        import time
        import ray
        from ray.cluster_utils import Cluster
        from search.executors import EXECUTORS
from search.executors.jobs import done
        from search.testing import Recorded, looked_up, requests

        def number(node):
            return float(int(node[:12], 16))

        def telling_its_node(request, report):
            report(1, number(ray.get_runtime_context().get_node_id()))
            time.sleep(3)  # Longer than it takes to kill a node.
            return looked_up(request, lambda epoch, loss: None)

        class Killing(Recorded):
            alive = True

            def on_report(self, trial, epoch, loss):
                if self.alive and loss == number(node.node_id) and len(self.results) > 3:
                    self.alive = False
                    cluster.remove_node(node, allow_graceful=False)
                return super().on_report(trial, epoch, loss)

            def on_error(self, number, reason, *, retry):
                super().on_error(number, reason, retry=retry)
                if retry:
                    self._waiting.append(self._requests[number])

        if __name__ == "__main__":
            cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
            node = cluster.add_node(num_cpus=1)
            engine = Killing(requests(12))
            try:
                EXECUTORS["ray"](executor="ray", address=cluster.address).run(engine, telling_its_node)
            finally:
                cluster.shutdown()
            print(sorted(engine.results), engine.errors)
        """)
    )
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert str(list(range(12))) in done.stdout, (done.stdout, done.stderr)
    assert "True)]" in done.stdout
