"""The time of a trial in addition to its training: our executors, plain Optuna and plain Ray Tune.

    python -m experiments.benchmarks.engine.overhead                            # about 6 minutes on two idle cores
    python -m experiments.benchmarks.engine.overhead --trials 60 --times 1 --only serial local optuna

Trials take a few tenths of a millisecond (`frameworks.py`), with uniform proposals. Each contestant runs in
its own process and folder, all of them once, then all again in another order. Overhead is the time from the
end of trial number `--skip` to the end of the last one, divided by the trials between. It excludes the start
of Python, workers and clusters, which has its own column: the time until the first trial has finished.

    serial, local, ray    search launch with executor=...; local and ray have `--workers`
    optuna                study.optimize in memory, without storage
    optuna_sqlite         the same with SQLite, which survives the end of the process
    tune, tune_lean       Ray Tune with OptunaSearch(RandomSampler), reuse_actors, `--workers` at a time;
                          with its defaults, and without its loggers and snapshots, so without storage

`idle.py` measures how long the workers of a run waited.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from experiments.benchmarks.engine.frameworks import CONTESTANTS, Contest, Ticks
from space.timing.device import processor

BESIDE = (("local", "optuna"), ("ray", "tune"), ("ray", "tune_lean"))
"""Pairs of one of our executors and a contestant. The executor may take up to 10 ms more per trial."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The times of a contest in seconds.

    clock, cpu: the wall-clock time and the CPU time of the driver per trial. start: the time from the start of the
    process to the end of the first trial.
    """

    clock: float
    cpu: float
    start: float


def contested(name: str, contest: Contest, skip: int) -> Taken:
    """Run the contestant in a new process and folder, and return its times.

    skip: the number of trials at the beginning that do not count in the times per trial.
    """
    command = [
        sys.executable,
        "-m",
        "experiments.benchmarks.engine.overhead",
        "--play",
        json.dumps(asdict(contest)),
    ]
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()  # On Linux and macOS, all processes share this clock.
        done = subprocess.run(
            [*command, "--only", name],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
        )
    ticks: Ticks = json.loads(done.stdout.splitlines()[-1])
    assert len(ticks) >= contest.trials, f"{name}: {len(ticks)} of {contest.trials} trials ended"
    (clock, cpu), (last_clock, last_cpu) = ticks[skip - 1], ticks[-1]
    between = len(ticks) - skip
    return Taken((last_clock - clock) / between, (last_cpu - cpu) / between, ticks[0][0] - began)


def spread(values: Sequence[float], unit: float) -> str:
    """Return a text with the median, and the extremes in brackets, all multiplied by `unit`."""
    low, median, high = (unit * each for each in (min(values), statistics.median(values), max(values)))
    return f"{median:8.2f} ({low:.2f} to {high:.2f})"


def report(taken: dict[str, list[Taken]]) -> None:
    """Print the times of each contestant, and the extra milliseconds per trial of our executors (see `BESIDE`)."""
    print(f"\n{'':<16}{'ms a trial':<28}{'CPU ms of the driver':<28}{'s until the first trial':<28}")
    for name, each in taken.items():
        columns = spread([t.clock for t in each], 1e3), spread([t.cpu for t in each], 1e3)
        print(f"{name:<16}{columns[0]:<28}{columns[1]:<28}{spread([t.start for t in each], 1):<28}")
    for name, other in BESIDE:
        if taken.get(name) and taken.get(other):
            more = [1e3 * (a.clock - b.clock) for a, b in zip(taken[name], taken[other], strict=True)]
            print(f"{name} less {other}: {spread(more, 1).strip()} ms a trial; at most 10 are permitted")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=1, help="epochs that each trial reports")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--skip", type=int, default=50, help="trials that finish before the clock starts")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--play", help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    options = parser.parse_args()
    if not 0 < options.skip < options.trials:
        parser.error(f"--skip {options.skip}: must be from 1 to {options.trials - 1}, one less than --trials")
    return options


def main() -> None:
    """Print hardware and versions, a line for each contest, and the table."""
    options = arguments()
    names = options.only
    if options.play:  # The child process of `contested`.
        print("\n" + json.dumps(CONTESTANTS[names[0]](Contest(**json.loads(options.play)))))
        return
    contest = Contest(options.trials, options.epochs, options.workers)
    versions = ", ".join(f"{package} {version(package)}" for package in ("optuna", "ray"))
    print(
        f"{processor()}, {os.cpu_count()} cores, {versions}; {contest}, without the first {options.skip} trials"
    )
    taken: dict[str, list[Taken]] = {name: [] for name in names}
    for time_ in range(options.times):
        for name in random.Random(time_).sample(names, len(names)):
            load = os.getloadavg()[0]
            taken[name].append(outcome := contested(name, contest, options.skip))
            print(f"  {name}: {1e3 * outcome.clock:.2f} ms a trial, load before {load:.1f}", flush=True)
    report(taken)


if __name__ == "__main__":
    main()
