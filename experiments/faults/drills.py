"""What becomes of a search when things go wrong: each drill breaks one thing and looks at what is left.

    python experiments/faults/drills.py                              # all but the long ones, both executors
    python experiments/faults/drills.py kill_driver --executor local --times 100
    python experiments/faults/drills.py kill_driver --executor ray --times 30

Writes its rows into experiments/results/faults.md beside those of other drills that are there. Searches train
nothing but take their time (`driving.py`), except where a data file is deleted. A disk that is full is a tmpfs,
for which one must be root; so is the file system that cannot be written to.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parents[1] / "results/faults.md"
HERE = Path(__file__).parent
TITLE = (
    "# Fault drills\n\nWritten by `experiments/faults/drills.py`, which says what each does.\n\n"
    "| Drill | Executor | Times | Held | What was seen |\n|---|---|---:|---|---|\n"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a drill found. held: whether every promise was kept. times: how often the fault was made."""

    times: int
    held: bool
    what: str


class Driver:
    """A search in a process group of its own, in the run `runs/drill` of `folder`."""

    def __init__(self, folder: Path, evaluator: str, *settings: str, **environment: str) -> None:
        command = [sys.executable, str(HERE / "driving.py"), evaluator, *settings]
        self.mark = f"{folder}-{time.monotonic_ns()}"
        own = {"DRILL_FOLDER": str(folder), "DRILL_MARK": self.mark, "XDG_CACHE_HOME": str(folder / "cache")}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.strip())
            self.ready.set()
        self.ready.set()

    @property
    def told(self) -> set[int]:
        """The trials that it said have finished."""
        return {int(line) for line in self.lines if line.isdecimal()}

    def after(self, count: int, seconds: float = 120) -> None:
        """Waits until so many trials have finished, or the driver has."""
        deadline = time.monotonic() + seconds
        while len(self.told) < count and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self, seconds: float = 300) -> tuple[int, str]:
        """Waits for its end; its exit code and last line on standard error."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            return -1, "did not end"
        assert self.process.stderr
        lines = self.process.stderr.read().strip().splitlines()
        return code, lines[-1] if lines else ""

    def signal(self, number: int, *, group: bool = False) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    def remain(self, seconds: float = 100) -> float | None:
        """Seconds until no process of its search is there any more; None: some are after `seconds`."""
        begun = time.monotonic()
        while processes(self.mark):
            if time.monotonic() - begun > seconds:
                return None
            time.sleep(0.05)
        return time.monotonic() - begun


def processes(mark: str) -> list[int]:
    """The living processes whose environment has `mark`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (path / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state != "Z" and mark.encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
    return [process for process in found if process != os.getpid()]


def ledger(folder: Path) -> dict[int, tuple[str, ...]]:
    """The trials of the run by number: state, attempt, network, what was measured, reason."""
    path = folder / "runs/drill/trials.sqlite"
    if not path.exists():
        return {}
    query = (
        "SELECT number, t.state, t.attempt, t.digest, metrics, t.reason FROM trial t LEFT JOIN evaluation e"
        " ON e.digest = t.digest AND e.seed = t.seed AND e.attempt = t.attempt"
    )
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'evaluation'").fetchone():
            return {}  # killed before it made its tables
        return {number: tuple(map(str, rest)) for number, *rest in database.execute(query)}


def finished(folder: Path) -> dict[int, tuple[str, ...]]:
    return {number: row for number, row in ledger(folder).items() if row[0] in ("complete", "failed")}


def states(folder: Path) -> str:
    counted = Counter(row[0] for row in ledger(folder).values())
    return ", ".join(f"{count} {state}" for state, count in sorted(counted.items()))


def whole(folder: Path, total: int) -> bool:
    """Whether the run has so many complete trials of different networks, and nothing that is not over."""
    rows = ledger(folder).values()
    complete = [row[2] for row in rows if row[0] == "complete"]
    return len(complete) == len(set(complete)) == total and {row[0] for row in rows} <= {
        "complete",
        "duplicate",
    }


def evaluations(folder: Path) -> Counter[int]:
    """How often each trial was evaluated to the end."""
    path = folder / "evaluated.txt"
    return (
        Counter(int(line.split()[0]) for line in path.read_text().splitlines())
        if path.exists()
        else Counter()
    )


@contextmanager
def fresh() -> Iterator[Path]:
    """A folder for one search."""
    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settings(executor: str, trials: int = 12, **more: object) -> list[str]:
    given = {"trials": trials, "executor": executor, "executor.workers": 2, **more}
    return [f"{key}={value}" for key, value in given.items()]


def kill_driver(executor: str, times: int) -> Seen:
    """kill -9 of the driver at random moments, until each search is complete all the same."""
    rng, kills, runs, lost, repeated, slowest, wrong = random.Random(0), 0, 0, 0, 0, 0.0, 0
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
                lost += len(driver.told - set(now))
                done = evaluations(folder)
                repeated += sum(done[number] > counted[number] for number in known)
                known, counted = now, done
            runs += 1
            now = finished(folder)
            wrong += code != 0 or not whole(folder, total)
            lost += sum(now.get(number) != row for number, row in known.items())
    what = (
        f"{runs} searches of {total} trials: {lost} finished trials lost, {repeated} done again, {wrong} searches"
        f" that did not end with {total} different trials; all processes gone {slowest:.1f} s after the kill at"
        " the latest"
    )
    return Seen(kills, not (lost or repeated or wrong) and slowest < 100, what)


def _searched(executor: str, evaluator: str, expected: str, reason: str = "", **more: object) -> Seen:
    """A search that is to end by itself with trials in the `expected` states."""
    with fresh() as folder:
        driver = Driver(folder, evaluator, *settings(executor, **{"max_failures": 50, **more}))
        code, error = driver.end()
        rows, left = ledger(folder).values(), driver.remain(90)
        attempts = Counter(row[1] for row in rows)
        reasons = {row[4] for row in rows if row[4]}
        held = code == 0 and states(folder) == expected and left is not None
        held &= all(reason in text for text in reasons) and bool(reasons) == bool(reason)
        tried = ", ".join(f"{count} at attempt {attempt}" for attempt, count in sorted(attempts.items()))
        told = f"; {min(reasons)!r}" if reasons else ""
        return Seen(1, held, f"{states(folder)} ({tried}){told}{'; ' + error if code else ''}")


def kill_worker(executor: str, times: int) -> Seen:
    """kill -9 of the worker in the first attempt at one trial of four."""
    return _searched(executor, "killed_once", "12 complete")


def stop_worker(executor: str, times: int) -> Seen:
    """SIGSTOP of the worker in the first attempt at one trial of four; the deadline is 4 s."""
    return _searched(executor, "stops_once", "12 complete", **{"executor.timeout": 4})


def stop_worker_always(executor: str, times: int) -> Seen:
    """SIGSTOP of the worker in every attempt at one trial; the deadline is 4 s."""
    return _searched(
        executor, "stops", "5 complete, 1 failed", "longer than 4 s", trials=6, **{"executor.timeout": 4}
    )


def out_of_memory(executor: str, times: int) -> Seen:
    """One trial of four asks for more memory than there is."""
    return _searched(executor, "greedy", "9 complete, 3 failed", "MemoryError")


def nan_loss(executor: str, times: int) -> Seen:
    """The result of one trial of four is not a number."""
    return _searched(executor, "diverging", "9 complete, 3 failed", "not a finite result")


def broken_block(executor: str, times: int) -> Seen:
    """A block raises in one network of four."""
    return _searched(executor, "broken", "9 complete, 3 failed", "a block that fails")


def clock_set_back(executor: str, times: int) -> Seen:
    """The driver's clock goes back a day after the sixth trial; then it is killed and resumed."""
    with fresh() as folder:
        driver = Driver(folder, "quick", *settings(executor), DRILL_CLOCK="1")
        driver.after(9)
        driver.signal(signal.SIGKILL)
        driver.remain()
        code, error = Driver(folder, "quick").end()
        return Seen(1, code == 0 and whole(folder, 12), states(folder) + error)


def _interrupted(executor: str, *signals: int, group: bool) -> Seen:
    """A search that gets `signals`, 0.2 s apart, and is resumed."""
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
            f"exit {code} after {took:.1f} s, processes gone {left or 0:.1f} s later, attempts not counted;"
        )
        return Seen(1, held, f"{what} resumed: {states(folder)}")


def ctrl_c(executor: str, times: int) -> Seen:
    """SIGINT to the whole process group, as a terminal sends it."""
    return _interrupted(executor, signal.SIGINT, group=True)


def ctrl_c_twice(executor: str, times: int) -> Seen:
    """SIGINT to the process group, and again 0.2 s later."""
    return _interrupted(executor, signal.SIGINT, signal.SIGINT, group=True)


def sigterm(executor: str, times: int) -> Seen:
    """SIGTERM to the driver, as a batch system sends it."""
    return _interrupted(executor, signal.SIGTERM, group=False)


def two_drivers(executor: str, times: int) -> Seen:
    """A second driver on a run that is being driven."""
    with fresh() as folder:
        first = Driver(folder, "quick", *settings(executor, 60))
        first.after(3)
        code, error = Driver(folder, "quick").end()
        end, _ = first.end()
        held = code == 2 and "driven by process" in error and end == 0 and whole(folder, 60)
        return Seen(1, held, f"the second: exit {code}, {error!r}; the first: {states(folder)}")


@contextmanager
def _tmpfs(size: str) -> Iterator[Path]:
    with fresh() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "drill", str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def disk_full(executor: str, times: int) -> Seen:
    """The disk of the run fills up; there is room again, and it is resumed."""
    with _tmpfs("4m") as folder, fresh() as other:
        elsewhere = {"XDG_CACHE_HOME": str(other), "DRILL_FOLDER": str(other)}
        driver = Driver(folder, "quick", *settings(executor, 60), **elsewhere)
        driver.after(5)
        with suppress(OSError), open(folder / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        code, error = driver.end()
        told, before = driver.told, finished(folder)
        (folder / "ballast").unlink()
        again, _ = Driver(folder, "quick", **elsewhere).end()
        kept = told <= set(before) and all(finished(folder)[number] == row for number, row in before.items())
        held = code == 1 and kept and again == 0 and whole(folder, 60)
        return Seen(1, held, f"exit {code} with {len(before)} finished, {error!r}; resumed: {states(folder)}")


def read_only(executor: str, times: int) -> Seen:
    """The run's file system cannot be written to, before a search and before it is resumed."""
    with _tmpfs("8m") as folder, fresh() as other:
        elsewhere = {"XDG_CACHE_HOME": str(other), "DRILL_FOLDER": str(other)}
        driver = Driver(folder, "quick", *settings(executor, 30), **elsewhere)
        driver.after(5)
        driver.signal(signal.SIGINT, group=True)
        driver.end()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        code, error = Driver(folder, "quick", **elsewhere).end()
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        again, _ = Driver(folder, "quick", **elsewhere).end()
        held = code == 2 and again == 0 and whole(folder, 30)
        return Seen(1, held, f"exit {code}, {error!r}; writable again: {states(folder)}")


def data_deleted(executor: str, times: int) -> Seen:
    """The data file is deleted in mid-run, then put back. Real trainings."""
    import numpy as np

    with fresh() as folder:
        rng, path = np.random.default_rng(0), folder / "photos.npz"
        images = {f"{part}_x": rng.integers(0, 255, (n, 16, 16, 3), np.uint8) for part, n in _SPLITS}
        labels = {f"{part}_y": np.arange(n) % 3 for part, n in _SPLITS}
        np.savez(path, **images, **labels, classes=np.array(["a", "b", "c"]))
        driver = Driver(folder, "evaluate", *settings(executor), "data=npz", f"data.path={path}")
        driver.after(3)
        path.rename(folder / "away.npz")
        code, error = driver.end()
        before = finished(folder)
        (folder / "away.npz").rename(path)
        again, last = Driver(folder, "evaluate", "max_failures=20").end()
        kept = all(finished(folder)[number] == row for number, row in before.items())
        complete = sum(row[0] == "complete" for row in finished(folder).values())
        held = code == 1 and "photos.npz" in error and again == 0 and kept and complete >= 9
        return Seen(1, held, f"exit {code}, {error[:120]!r}; resumed: {states(folder)}{last}")


_SPLITS = (("train", 300), ("test", 30))


def node_dies(executor: str, times: int) -> Seen:
    """kill -9 of the raylet of a second node of a cluster in mid-run."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        with fresh() as folder:
            words = settings(executor, 100, **{"executor.address": cluster.address})
            driver = Driver(folder, "quick", *words)
            driver.after(20)
            cluster.remove_node(node, allow_graceful=False)
            code, error = driver.end()
            held = code == 0 and whole(folder, 100)
            again = sum(row[1] != "1" for row in ledger(folder).values())
            return Seen(
                1, held, f"{states(folder)}, {again} at a second attempt{'; ' + error if code else ''}"
            )
    finally:
        cluster.shutdown()


def driver_of_a_cluster(executor: str, times: int) -> Seen:
    """kill -9 of the raylet beside the driver of a private cluster, which takes the driver along."""
    with fresh() as folder:
        driver = Driver(folder, "quick", *settings(executor, 60))
        driver.after(5)
        for process in processes(driver.mark):
            with suppress(OSError):
                if "raylet/raylet" in Path(f"/proc/{process}/cmdline").read_text():
                    os.kill(process, signal.SIGKILL)
        code, _ = driver.end()
        told, before, left = driver.told, finished(folder), driver.remain()
        again, _ = Driver(folder, "quick").end()
        held = told <= set(before) and left is not None and again == 0 and whole(folder, 60)
        return Seen(1, held, f"exit {code} with {len(before)} finished; resumed: {states(folder)}")


Drill = Callable[[str, int], Seen]
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
RAY: tuple[Drill, ...] = (node_dies, driver_of_a_cluster)
DRILLS = {drill.__name__: drill for drill in (*BOTH, *LONG, *RAY)}


def record(name: str, executor: str, seen: Seen) -> None:
    """Puts a row into the table, in the place of an older one of the same drill."""
    rows = TABLE.read_text("utf-8").removeprefix(TITLE).splitlines() if TABLE.exists() else []
    described = (DRILLS[name].__doc__ or "").strip().rstrip(".")
    key = f"| {described} | {executor} |"
    what = seen.what.replace("|", "/")
    row = f"{key} {seen.times} | {'yes' if seen.held else '**no**'} | {what} |"
    kept = [old for old in rows if old and not old.startswith(key)]
    TABLE.write_text(TITLE + "\n".join(sorted([*kept, row])) + "\n", "utf-8")


def main() -> None:
    """Runs drills, prints what was seen and keeps it in the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument("--executor", choices=["local", "ray"], action="append")
    parser.add_argument("--times", type=int, default=3, help="of kill_driver")
    asked = parser.parse_args()
    for executor in asked.executor or ("local", "ray"):
        names = asked.drills or [drill.__name__ for drill in (*BOTH, *(RAY if executor == "ray" else ()))]
        for name in names:
            seen = DRILLS[name](executor, asked.times)
            print(f"{name} {executor}: {'held' if seen.held else 'NOT HELD'}: {seen.what}", flush=True)
            record(name, executor, seen)


if __name__ == "__main__":
    main()
