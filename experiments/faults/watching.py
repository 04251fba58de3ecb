"""Drivers that are watched from outside while `drills.py` breaks things, and the table of what was seen."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
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
    """The trials that are over, those among them that were answered by an earlier one."""
    return {number: row for number, row in ledger(folder).items() if row[0] not in ("waiting", "running")}


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
    given = {"trials": trials, "executor": executor, "executor.workers": 2, "finals": "off", **more}
    return [f"{key}={value}" for key, value in given.items()]


def record(description: str, executor: str, seen: Seen) -> None:
    """Puts a row into the table, in the place of an older one of the same drill."""
    rows = TABLE.read_text("utf-8").removeprefix(TITLE).splitlines() if TABLE.exists() else []
    described = description.strip().rstrip(".")
    key = f"| {described} | {executor} |"
    what = seen.what.replace("|", "/")
    row = f"{key} {seen.times} | {'yes' if seen.held else '**no**'} | {what} |"
    kept = [old for old in rows if old and not old.startswith(key)]
    TABLE.write_text(TITLE + "\n".join(sorted([*kept, row])) + "\n", "utf-8")
