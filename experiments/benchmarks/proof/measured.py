"""How many networks of a search take longer than its limit of latency, though they were predicted to keep it?

    python -m experiments.benchmarks.proof.measured RUN... --out FILE.csv

Every complete trial of each run is measured once, under the conditions of the run's profile, which takes about 2 s
each on an idle machine. For each third of a search, and for its ten best trials, a line tells the share of networks
that take over 2 % more than the limit, and the mean quotient of the measured and the predicted latency.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search import Run, open_run
from search.profiles.latency_bench import latency_bench
from search.profiles.lookup import like
from search.trials.answers import TOLERANCE
from space import UserError, decode

BEST = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """A trial of a run. Latencies are in milliseconds; accuracy is that of its training in the search."""

    run: str
    trial: int
    network: str
    accuracy: float
    limit_ms: float
    predicted_ms: float
    measured_ms: float

    @property
    def slow(self) -> bool:
        """True if the network takes over 2 % more than the limit."""
        return self.measured_ms > self.limit_ms * (1 + TOLERANCE)


def measured(run: Run) -> Iterator[Measured]:
    """Yield the complete trials of a run as they are measured. Raises `UserError` without a limit of latency."""
    limit, latencies = run.config.limit.latency, run.config.latencies
    if limit is None or latencies is None:
        raise UserError(f"The run {run.name} has no limit of latency.")
    profile = latencies.profile
    with latency_bench(like(profile), decode(profile.reference), profile.reference_ms) as bench:
        for trial in run.trials:
            if trial.state == "complete" and trial.result and trial.latency:
                ms = bench.ratio(trial.architecture) * profile.reference_ms
                text, accuracy = str(trial.architecture), trial.result.accuracy
                yield Measured(run.name, trial.number, text, accuracy, limit, trial.latency.ms, ms)


def summary(every: Sequence[Measured]) -> Iterator[str]:
    """Yield a line for each third of the trials of a run, and for the best of them."""
    third = -(-len(every) // 3)
    parts = {f"trials {part[0].trial} to {part[-1].trial}": part for part in _parts(every, third)}
    parts[f"best {BEST}"] = sorted(every, key=lambda one: -one.accuracy)[:BEST]
    for name, part in parts.items():
        slow = sum(one.slow for one in part)
        quotient = statistics.fmean(one.measured_ms / one.predicted_ms for one in part)
        yield f"{every[0].run}, {name}: {slow} of {len(part)} over the limit; measured / predicted {quotient:.3f}"


def _parts(every: Sequence[Measured], size: int) -> Iterator[Sequence[Measured]]:
    for start in range(0, len(every), size):
        yield every[start : start + size]


def main(given: Sequence[str] | None = None) -> None:
    """Run the command line, or the words `given` in its place."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(given)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Measured.__slots__)
        for name in options.runs:
            every = []
            for one in measured(open_run(name)):
                every.append(one)
                writer.writerow(getattr(one, column) for column in Measured.__slots__)
                file.flush()
            print("\n".join(summary(every)), flush=True)


if __name__ == "__main__":
    main()
