"""Fault drills. Each injects one fault into a running search and checks the state after it.

    python -m experiments.faults.drills                              # all but the long ones, both executors
    python -m experiments.faults.drills kill_driver --executor local --times 100
    python -m experiments.faults.drills kill_driver --executor ray --times 30

Each drill writes a row into experiments/results/faults.md. The docstring of a drill is its description there. The
searches sleep instead of training (`driving.py`), except the one whose data file is deleted.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from experiments.faults.storage import data_deleted, disk_full, read_only
from experiments.faults.watching import (
    Driver,
    Outcome,
    evaluations,
    finished,
    fresh,
    ledger,
    processes,
    record,
    settings,
    states,
    whole,
)


def kill_driver(executor: str, times: int) -> Outcome:
    """Kill the driver (kill -9) at random moments, and resume until each search is complete."""
    rng, slowest = random.Random(0), 0.0
    kills = runs = lost = repeated = wrong = unlucky = 0
    while kills < times:
        with fresh() as folder:
            total, known, counted, driver = 60, {}, Counter(), None
            while True:
                driver = Driver(folder, "quick", *settings(executor, total))
                driver.ready.wait(300)
                if kills < times:
                    driver.after(rng.randrange(10))
                    with suppress(subprocess.TimeoutExpired):
                        driver.process.wait(rng.uniform(0, 0.1))
                code = driver.process.poll() if kills < times else driver.end()[0]
                if code is not None:
                    break
                driver.signal(signal.SIGKILL)
                kills += 1
                driver.process.wait()
                slowest = max(slowest, driver.remain() or 1e3)
                now = finished(folder)
                lost += sum(now.get(number) != row for number, row in known.items())
                lost += len(driver.reported - set(now))
                done = evaluations(folder)
                repeated += sum(done[number] > counted[number] for number in known)
                known, counted = now, done
            runs += 1
            now = finished(folder)
            tried = [row for row in now.values() if row[0] != "duplicate"]
            wrong += code != 0 or len({row[2] for row in tried}) != total or len(tried) != total
            unlucky += sum(row[0] == "failed" for row in tried)
            lost += sum(now.get(number) != row for number, row in known.items())
    what = (
        f"{runs} searches of {total} trials: {lost} finished trials lost, {repeated} repeated, {wrong} searches"
        f" that did not end with {total} different trials; all processes ended within {slowest:.1f} s of the kill;"
        f" {unlucky} trials were running in three kills and counted as failed"
    )
    return Outcome(kills, not (lost or repeated or wrong) and slowest < 100, what)


def _searched(executor: str, evaluator: str, expected: str, reason: str = "", **more: object) -> Outcome:
    """Run a search that ends by itself, and check that its trials are in the `expected` states."""
    with fresh() as folder:
        driver = Driver(folder, evaluator, *settings(executor, **{"max_failures": 50, **more}))
        code, error = driver.end()
        rows, left = ledger(folder).values(), driver.remain(90)
        attempts = Counter(row[1] for row in rows)
        reasons = {row[4] for row in rows if row[4]}
        held = code == 0 and states(folder) == expected and left is not None
        held &= all(reason in text for text in reasons) and bool(reasons) == bool(reason)
        tried = ", ".join(f"{count} at attempt {attempt}" for attempt, count in sorted(attempts.items()))
        reason_shown = f"; {min(reasons)!r}" if reasons else ""
        return Outcome(1, held, f"{states(folder)} ({tried}){reason_shown}{'; ' + error if code else ''}")


def kill_worker(executor: str, times: int) -> Outcome:
    """Kill the worker (kill -9) in the first attempt of every fourth trial."""
    return _searched(executor, "killed_once", "12 complete")


def stop_worker(executor: str, times: int) -> Outcome:
    """Stop the worker (SIGSTOP) in the first attempt of every fourth trial. The deadline is 4 s."""
    return _searched(executor, "stops_once", "12 complete", **{"executor.timeout": 4})


def stop_worker_always(executor: str, times: int) -> Outcome:
    """Stop the worker (SIGSTOP) in every attempt of one trial. The deadline is 4 s."""
    return _searched(
        executor, "stops", "5 complete, 1 failed", "longer than 4 s", trials=6, **{"executor.timeout": 4}
    )


def out_of_memory(executor: str, times: int) -> Outcome:
    """Request more memory than there is in every fourth trial."""
    return _searched(executor, "greedy", "9 complete, 3 failed", "MemoryError")


def nan_loss(executor: str, times: int) -> Outcome:
    """Return NaN in every fourth trial."""
    return _searched(executor, "diverging", "9 complete, 3 failed", "not a finite result")


def broken_block(executor: str, times: int) -> Outcome:
    """Raise an exception in a block of every fourth network."""
    return _searched(executor, "broken", "9 complete, 3 failed", "a block that fails")


def clock_set_back(executor: str, times: int) -> Outcome:
    """Set the clock of the driver back by a day after the sixth trial, kill it and resume."""
    with fresh() as folder:
        driver = Driver(folder, "quick", *settings(executor), DRILL_CLOCK="1")
        driver.after(9)
        driver.signal(signal.SIGKILL)
        driver.remain()
        code, error = Driver(folder, "quick").end()
        return Outcome(1, code == 0 and whole(folder, 12), states(folder) + error)


def _interrupted(executor: str, *signals: int, group: bool) -> Outcome:
    """Send `signals` to a search, 0.2 s apart, and resume it."""
    with fresh() as folder:
        driver = Driver(folder, "quick", *settings(executor, 40))
        driver.after(5)
        begun = time.monotonic()
        for number in signals:
            driver.signal(number, group=group)
            time.sleep(0.2)
        code, _ = driver.end(60)
        took, left = time.monotonic() - begun, driver.remain(90)
        rows = ledger(folder)
        back = {row[0] for row in rows.values()} <= {"complete", "waiting", "duplicate"}
        first = {row[1] for row in rows.values()} == {"1"}
        again, _ = Driver(folder, "quick").end()
        held = code in (130, -signal.SIGINT) and left is not None and back and first and again == 0
        held &= whole(folder, 40)
        what = (
            f"exit {code} after {took:.1f} s, processes ended {left or 0:.1f} s later, attempts not counted;"
        )
        return Outcome(1, held, f"{what} resumed: {states(folder)}")


def ctrl_c(executor: str, times: int) -> Outcome:
    """Send SIGINT to the process group, as a terminal does."""
    return _interrupted(executor, signal.SIGINT, group=True)


def ctrl_c_twice(executor: str, times: int) -> Outcome:
    """Send SIGINT to the process group twice, 0.2 s apart."""
    return _interrupted(executor, signal.SIGINT, signal.SIGINT, group=True)


def sigterm(executor: str, times: int) -> Outcome:
    """Send SIGTERM to the driver, as a batch system does."""
    return _interrupted(executor, signal.SIGTERM, group=False)


def two_drivers(executor: str, times: int) -> Outcome:
    """Start a second driver on a running search."""
    with fresh() as folder:
        first = Driver(folder, "quick", *settings(executor, 60))
        first.after(3)
        code, error = Driver(folder, "quick").end()
        end, _ = first.end()
        held = code == 2 and "driven by process" in error and end == 0 and whole(folder, 60)
        return Outcome(1, held, f"the second: exit {code}, {error!r}; the first: {states(folder)}")


def node_dies(executor: str, times: int) -> Outcome:
    """Kill the raylet (kill -9) of the second node of a cluster during a search."""
    from ray.cluster_utils import Cluster

    with fresh() as folder:
        os.environ["DRILL_FOLDER"] = str(folder)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            node = cluster.add_node(num_cpus=1)
            words = settings(executor, 100, **{"executor.address": cluster.address})
            driver = Driver(folder, "quick", *words)
            driver.after(20)
            cluster.remove_node(node, allow_graceful=False)
            code, error = driver.end()
            held = code == 0 and whole(folder, 100)
            again = sum(row[1] != "1" for row in ledger(folder).values())
            return Outcome(
                1, held, f"{states(folder)}, {again} at a second attempt{'; ' + error if code else ''}"
            )
        finally:
            cluster.shutdown()


def only_node_dies(executor: str, times: int) -> Outcome:
    """Kill the raylet (kill -9) of the only node of a private cluster."""
    with fresh() as folder:
        driver = Driver(folder, "quick", *settings(executor, 100))
        driver.after(5)
        killed = 0
        for process in processes(driver.mark):
            with suppress(OSError):
                if "raylet/raylet" in Path(f"/proc/{process}/cmdline").read_text():
                    os.kill(process, signal.SIGKILL)
                    killed += 1
        code, _ = driver.end()
        reported, before, left = driver.reported, finished(folder), driver.remain()
        again, _ = Driver(folder, "quick").end()
        held = (
            killed == 1
            and code in (0, 1)
            and reported <= set(before)
            and left is not None
            and again == 0
            and whole(folder, 100)
        )
        return Outcome(killed, held, f"exit {code} with {len(before)} finished; resumed: {states(folder)}")


Drill = Callable[[str, int], Outcome]
BOTH: tuple[Drill, ...] = (
    kill_worker,
    stop_worker,
    stop_worker_always,
    out_of_memory,
    nan_loss,
    broken_block,
    data_deleted,
    disk_full,
    read_only,
    clock_set_back,
    two_drivers,
    ctrl_c,
    ctrl_c_twice,
    sigterm,
)
LONG: tuple[Drill, ...] = (kill_driver,)
RAY: tuple[Drill, ...] = (node_dies, only_node_dies)
DRILLS = {drill.__name__: drill for drill in (*BOTH, *LONG, *RAY)}


def main() -> None:
    """Run the drills, print their results and write them into the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument("--executor", choices=["local", "ray"], action="append")
    parser.add_argument("--times", type=int, default=3, help="number of kills of kill_driver")
    arguments = parser.parse_args()
    # A background job of a shell ignores Ctrl-C, and its child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for executor in arguments.executor or ("local", "ray"):
        names = arguments.drills or [drill.__name__ for drill in (*BOTH, *(RAY if executor == "ray" else ()))]
        for name in names:
            outcome = DRILLS[name](executor, arguments.times)
            print(f"{name} {executor}: {'held' if outcome.held else 'NOT HELD'}: {outcome.what}", flush=True)
            record(DRILLS[name].__doc__ or name, executor, outcome)


if __name__ == "__main__":
    main()
