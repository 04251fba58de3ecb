"""A search on simulated clusters: the number of workers at which the driver becomes the bottleneck.

    python -m experiments.benchmarks.engine.scale --out experiments/results/scale.csv
    python -m experiments.benchmarks.engine.scale --sampler tpe --workers 8 64 256 --seconds 600 60

Training is replaced by waiting in simulated time, for log-normal durations with the mean `--seconds`, with as many
epoch reports as the proxy has epochs. The driver and its ledger on disk are real, and serve one worker after another
as executors do. Simulated time advances by the duration of the driver's work (`--time cpu`: by its CPU time, which
the disk and other load don't affect). The time that an executor spends on a trial is not included; `--transport` adds
milliseconds per trial, such as those that `overhead.py` measured.

It prints a row for each size and duration. The row has the driver's work per trial, for all trials and for the last
tenth, when the history is longest; the idle share of the workers from the moment when all have a trial until the last
trial begins; and the number of workers that would keep the driver busy all the time, by its work in the last tenth.
"""

from __future__ import annotations

import argparse
import csv
import heapq
import io
import math
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from experiments.benchmarks.engine.idle import share
from search.config import Config
from search.engine.engine import Engine
from search.engine.proposals import Sampled
from search.executors import Driven
from search.files import write_file
from search.proxy.evaluate import Request
from search.proxy.proxy import fidelity
from search.testing import looked_up
from search.trials.ledger import Ledger
from space.timing.device import processor

T = TypeVar("T")
SIGMA = 0.25
"""The standard deviation of the logarithm of a trial's duration: 20 default trials took 29 to 60 s, median 37."""
CLOCKS: dict[str, Callable[[], float]] = {"clock": time.perf_counter, "cpu": time.thread_time}


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of a simulated search, a row of the output.

    trial_seconds: the mean duration of a trial. transport_ms: the executor's milliseconds per trial. driver_ms,
    driver_ms_last_tenth: the driver's milliseconds per trial, for all trials and for the last tenth. filled_after_s:
    the simulated seconds until all workers have a trial. idle_percent: the idle share of the workers, as in `idle`.
    workers_busy_driver: the number of workers that would keep the driver busy all the time.
    """

    sampler: str
    workers: int
    trial_seconds: float
    transport_ms: float
    trials: int
    driver_ms: float
    driver_ms_last_tenth: float
    filled_after_s: float
    idle_percent: float
    workers_busy_driver: int


@dataclass(order=True, slots=True)
class Event:
    """The end of an epoch on a worker. when: the simulated time in seconds. number: the number of the trial."""

    when: float
    number: int
    epoch: int
    request: Request = field(compare=False)


class Cluster:
    """Workers in simulated time, which the real work of the driver delays. All times are in seconds.

    jobs: the start and end of each trial. worked: the total work of the driver. work: the driver's work up to the
    start of each trial.
    """

    def __init__(self, workers: int, trial: float, transport: float, now: Callable[[], float]) -> None:
        self._free, self._trial, self._transport, self._now = workers, trial, transport, now
        self._clock = self.worked = 0.0
        self._events: list[Event] = []
        self._begun: dict[int, float] = {}
        self._durations = random.Random(0)
        self.jobs: list[tuple[float, float]] = []
        self.work: list[float] = []

    def run(self, engine: Driven) -> None:
        """Carry out all trainings that the engine requests, in simulated time, as an executor does."""
        while True:
            while self._free and (request := self._driver(engine.next_trial)):
                self._begin(request)
            if not self._events:
                return
            if not self._free:
                self._driver(engine.prepare)
            self._clock = max(self._clock, self._events[0].when)
            heard = self._clock
            while self._events and self._events[0].when <= heard:
                self._hear(engine, heapq.heappop(self._events))

    def _driver(self, does: Callable[[], T]) -> T:
        began = self._now()
        answer = does()
        self._spend(self._now() - began)
        return answer

    def _spend(self, seconds: float) -> None:
        self._clock += seconds
        self.worked += seconds

    def _begin(self, request: Request) -> None:
        self._spend(self._transport)
        self.work.append(self.worked)
        self._free -= 1
        self._begun[request.number] = self._clock
        # With this mean of the logarithm, the mean of the log-normal durations is `self._trial`.
        seconds = self._trial * self._durations.lognormvariate(-(SIGMA**2) / 2, SIGMA)
        epochs = request.proxy.epochs
        for epoch in range(1, epochs + 1):
            when = self._clock + seconds * epoch / epochs
            heapq.heappush(self._events, Event(when, request.number, epoch, request))

    def _hear(self, engine: Driven, event: Event) -> None:
        self._driver(lambda: engine.on_report(event.number, event.epoch, 1.0))
        if event.epoch == event.request.proxy.epochs:
            result = looked_up(event.request, lambda epoch, loss: None)
            self._driver(lambda: engine.on_result(event.number, result))
            self._free += 1
            self.jobs.append((self._begun[event.number], event.when))


def simulated(sampler: str, workers: int, seconds: float, options: argparse.Namespace) -> Row:
    """Simulate a search with `options.each` trials for each worker, and return its figures.

    seconds: the mean duration of a trial. options: the command line.
    """
    trials = options.each * workers
    config = Config.of({"space": "effv2", "sampler": sampler, "trials": trials})
    cluster = Cluster(workers, seconds, options.transport / 1e3, CLOCKS[options.time])
    with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder, "trials.sqlite"))) as ledger:
        cluster.run(Engine(config, Sampled(config), ledger, partial(fidelity, data_digest="simulated")))
    tenth = math.ceil(trials / 10)
    # Only up to the last start, since there are no proposals after it.
    last = (cluster.work[-1] - cluster.work[-1 - tenth]) / tenth
    return Row(
        sampler=sampler,
        workers=workers,
        trial_seconds=seconds,
        transport_ms=options.transport,
        trials=trials,
        driver_ms=round(1e3 * cluster.worked / trials, 2),
        driver_ms_last_tenth=round(1e3 * last, 2),
        filled_after_s=round(sorted(since for since, _ in cluster.jobs)[workers - 1], 2),
        idle_percent=round(100 * share(cluster.jobs, workers), 3),
        workers_busy_driver=round(seconds / last),
    )


def table(rows: Iterable[Row]) -> str:
    """Return the rows as CSV text with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return text.getvalue()


def main() -> None:
    """Print hardware, versions and a row for each search, and write the rows to --out if it is given."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sampler", nargs="+", default=["random"])
    parser.add_argument("--workers", nargs="+", type=int, default=[8, 64, 256, 1024])
    parser.add_argument(
        "--seconds", nargs="+", type=float, default=[600, 60], help="mean duration of a trial"
    )
    parser.add_argument("--each", type=int, default=4, help="trials for each worker")
    parser.add_argument(
        "--transport", type=float, default=0.0, help="milliseconds per trial that the executor takes"
    )
    parser.add_argument("--time", choices=CLOCKS, default="clock")
    parser.add_argument("--out", type=Path, help="CSV file for the rows")
    options = parser.parse_args()
    print(f"{processor()}, load {os.getloadavg()[0]:.1f}, optuna {version('optuna')}, time by {options.time}")
    rows = []
    for sampler in options.sampler:
        simulated(sampler, 2, 1.0, options)  # Not measured: it imports modules.
        for workers in options.workers:
            for seconds in options.seconds:
                rows.append(simulated(sampler, workers, seconds, options))
                print(", ".join(f"{key} {value}" for key, value in asdict(rows[-1]).items()), flush=True)
    if options.out:
        write_file(options.out, table(rows))


if __name__ == "__main__":
    main()
