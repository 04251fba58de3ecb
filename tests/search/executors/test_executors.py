import os
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest
from helpers.gpus import broken_once, made_up_gpus, telling_its_device

from search.executors import EXECUTORS
from search.executors.base import cores
from search.proxy.proxy import Proxy
from search.testing import (
    EXECUTOR_CONTRACT,
    PROCESS_CONTRACT,
    Recorded,
    looked_up,
    misbehaving,
    requests,
    slowly,
)

LOCAL = EXECUTORS["local"]
PROXY = Proxy()
CASES = {"serial": {}, "local": {"workers": 2}, "ray": {"workers": 2}}
SLOW = {"ray"}  # each of its runs starts a cluster


def test_every_executor_has_a_case():
    assert set(CASES) == set(EXECUTORS)


def contracts():
    for name in CASES:
        for check in EXECUTOR_CONTRACT if name == "serial" else (*EXECUTOR_CONTRACT, *PROCESS_CONTRACT):
            marks = [pytest.mark.slow] if name in SLOW else []
            yield pytest.param(name, check, marks=marks, id=f"{name}-{check.__name__}")


@pytest.mark.parametrize(("name", "check"), list(contracts()))
def test_contract(name, check):
    check(EXECUTORS[name](executor=name, **CASES[name]), requests(5))


def test_a_worker_that_is_killed_is_told_and_replaced():
    engine = Recorded(requests(6))
    LOCAL(executor="local", workers=2).run(engine, misbehaving)
    assert engine.errors[0][1:] == ("the loss became nan", False) or len(engine.errors) == 3
    killed = [(number, retry) for number, reason, retry in engine.errors if "SIGKILL" in reason]
    assert killed == [(3, True)]
    assert {0, 4, 5} <= set(engine.results)


def test_a_trial_that_takes_too_long_is_ended():
    engine = Recorded(requests(1))
    LOCAL(executor="local", workers=1, timeout=0.05).run(engine, slowly)
    ((number, reason, retry),) = engine.errors
    assert (number, retry) == (0, True)
    assert "longer than 0.05 s" in reason


def test_no_process_outlives_a_driver_that_is_killed(tmp_path):
    """kill -9 of the driver: its workers break off within a few seconds."""
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent("""
        import os, sys, time
        from search.executors import EXECUTORS
        from search.testing import Recorded, requests

        def endless(request, report):
            print(os.getpid(), flush=True)
            time.sleep(60)

        if __name__ == "__main__":
            EXECUTORS["local"](executor="local", workers=2).run(Recorded(requests(2)), endless)
        """)
    )
    paths = os.pathsep.join(filter(None, sys.path))
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    workers = [int(driver.stdout.readline()) for _ in range(2)]
    driver.kill()
    driver.wait()
    driver.stdout.close()
    deadline = time.monotonic() + 20
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_alive, workers))


def test_a_script_that_searches_at_its_top_is_not_run_again_by_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        from search.executors import EXECUTORS
        from search.testing import Recorded, looked_up, requests

        print("once", flush=True)
        engine = Recorded(requests(2))
        EXECUTORS["local"](executor="local", workers=1).run(engine, looked_up)
        print(len(engine.results), engine.errors, flush=True)
        """)
    )
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.stdout.splitlines() == ["once", "2 []"]


def test_a_system_that_tells_no_affinity_has_cores_all_the_same(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert LOCAL(executor="local").parallel == os.cpu_count()


def test_workers_are_gone_when_the_run_is_over():
    before = _descendants()
    LOCAL(executor="local", workers=2).run(Recorded(requests(3)), looked_up)
    assert len(_descendants() - before) <= 2  # the fork server and its resource tracker stay, idle


def on_gpus(evaluate, count, **options):
    """The results and errors of an executor on a machine with two made-up GPUs."""
    engine = Recorded(requests(count))
    with made_up_gpus():
        LOCAL(executor="local", **options).on(PROXY).run(engine, evaluate)
    return engine


def test_trials_go_to_the_gpus_in_turns():
    engine = on_gpus(telling_its_device, 8, per_gpu=2)
    workers = Counter(result.graph.split()[0] for result in engine.results.values())
    assert set(workers) == {"cuda:0", "cuda:1"}
    assert {result.graph.split()[1] for result in engine.results.values()} == {"PCI_BUS_ID"}
    assert len({result.graph for result in engine.results.values()}) <= 4


def test_as_many_trials_run_as_gpus_take():
    executor = LOCAL(executor="local")
    with made_up_gpus():
        assert executor.on(PROXY).parallel == 2
        assert executor.on(PROXY.model_copy(update={"device": "cuda:1"})).parallel == 1
        assert executor.on(PROXY.model_copy(update={"device": "cpu"})).parallel == cores()
        assert LOCAL(executor="local", per_gpu=3).on(PROXY).parallel == 6
    assert executor.on(PROXY).placement == ""


def test_after_an_error_of_cuda_the_worker_is_replaced():
    engine = on_gpus(broken_once, 3, workers=1)
    ((number, reason, retry),) = engine.errors
    assert (number, retry) == (0, True)
    assert "illegal memory access" in reason
    assert {result.graph.split()[0] for result in engine.results.values()} == {"cuda:0"}


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _descendants() -> set[str]:
    out = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    parents = dict(line.split() for line in out.splitlines()[1:])
    found = {str(os.getpid())}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {str(os.getpid())}
