"""The processes that `drills.py` observes, and the table of results."""

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
    "# Fault drills\n\nWritten by `python -m experiments.faults.drills`.\n\n"
    "| Drill | Executor | Times | Held | Result |\n|---|---|---:|---|---|\n"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a drill.

    times: the number of injected faults. held: True if every guarantee was kept. what: a text with the observations.
    """

    times: int
    held: bool
    what: str


class Driver:
    """A search process in its own process group. Its run is `runs/drill` in `folder`.

    evaluator: a name of `EVALUATORS` in `driving.py`. settings: KEY=VALUE. environment: further variables.
    """

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
    def reported(self) -> set[int]:
        """The trials that the driver has reported as finished."""
        return {int(line) for line in self.lines if line.isdecimal()}

    def after(self, count: int, seconds: float = 120) -> None:
        """Wait until `count` trials have finished, the driver has ended, or `seconds` have passed."""
        deadline = time.monotonic() + seconds
        while len(self.reported) < count and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self, seconds: float = 300) -> tuple[int, str]:
        """Wait for the end of the driver. Return its exit code and its last line on standard error ("" if none).

        After `seconds` it is killed, and (-1, "did not end") is returned.
        """
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
        """Return the seconds until all processes of the search have ended; None if some remain after `seconds`."""
        begun = time.monotonic()
        while processes(self.mark):
            if time.monotonic() - begun > seconds:
                return None
            time.sleep(0.05)
        return time.monotonic() - begun


def processes(mark: str) -> list[int]:
    """Return the ids of the running processes whose environment contains `mark`, without this process."""
    numbers = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state = (path / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state != "Z" and mark.encode() in (path / "environ").read_bytes():
                numbers.append(int(path.name))
    return [process for process in numbers if process != os.getpid()]


def ledger(folder: Path) -> dict[int, tuple[str, ...]]:
    """Return the trials of the run by number: state, attempt, digest of the network, metrics, reason.

    All values are texts; "None" for metrics that are missing.
    """
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
            return {}  # The driver was killed before it created the tables.
        return {number: tuple(map(str, rest)) for number, *rest in database.execute(query)}


def finished(folder: Path) -> dict[int, tuple[str, ...]]:
    """Return the trials that have ended, duplicates included."""
    return {number: row for number, row in ledger(folder).items() if row[0] not in ("waiting", "running")}


def states(folder: Path) -> str:
    counted = Counter(row[0] for row in ledger(folder).values())
    return ", ".join(f"{count} {state}" for state, count in sorted(counted.items()))


def whole(folder: Path, total: int) -> bool:
    """Return True if the run has `total` complete trials of different networks and nothing unfinished."""
    rows = ledger(folder).values()
    complete = [row[2] for row in rows if row[0] == "complete"]
    return len(complete) == len(set(complete)) == total and {row[0] for row in rows} <= {
        "complete",
        "duplicate",
    }


def evaluations(folder: Path) -> Counter[int]:
    """Return the number of finished evaluations of each trial."""
    path = folder / "evaluated.txt"
    return (
        Counter(int(line.split()[0]) for line in path.read_text().splitlines())
        if path.exists()
        else Counter()
    )


@contextmanager
def fresh() -> Iterator[Path]:
    """Create a folder for one search, and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settings(executor: str, trials: int = 12, **more: object) -> list[str]:
    given = {"trials": trials, "executor": executor, "executor.workers": 2, "finals": "off", **more}
    return [f"{key}={value}" for key, value in given.items()]


def record(description: str, executor: str, outcome: Outcome) -> None:
    """Write a row into the table, replacing an older one of the same drill with the same executor.

    description: the docstring of the drill.
    """
    rows = TABLE.read_text("utf-8").removeprefix(TITLE).splitlines() if TABLE.exists() else []
    described = description.strip().rstrip(".")
    key = f"| {described} | {executor} |"
    what = outcome.what.replace("|", "/")
    row = f"{key} {outcome.times} | {'yes' if outcome.held else '**no**'} | {what} |"
    others = [old for old in rows if old and not old.startswith(key)]
    TABLE.write_text(TITLE + "\n".join(sorted([*others, row])) + "\n", "utf-8")
