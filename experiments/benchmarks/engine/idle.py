"""What share of their time did the workers of a run wait for the driver?

    search launch space=effv2_32 proxy=small proxy.images=3000 trials=40 run=busy
    python -m experiments.benchmarks.engine.idle busy

Counted from the moment at which all workers have a trial to the moment at which the last trial is begun: before
it workers start, after it there is nothing to hand out. A worker is busy from `told - seconds` to `told` of its
trial, which includes measuring step times. What failed attempts took is in no ledger and counts as idle.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

from search.runs.run import Run, open_run


def share(jobs: Sequence[tuple[float, float]], workers: int) -> float:
    """0..1 of the workers' time in which they had nothing to do, given when each job was begun and ended, in seconds.

    Raises ValueError where there are no more jobs than workers: nobody waited for another one.
    """
    if len(jobs) <= workers:
        raise ValueError(f"{len(jobs)} jobs for {workers} workers; there is nothing to see")
    begun = sorted(since for since, _ in jobs)
    first, last = begun[workers - 1], begun[-1]
    busy = sum(max(0.0, min(until, last) - max(since, first)) for since, until in jobs)
    return 1 - busy / (workers * (last - first))


def jobs_of(run: Run) -> list[tuple[float, float]]:
    """When each complete trial was begun and ended, in seconds since 1970."""
    ended = ((trial.finished_at, trial.result) for trial in run.trials if trial.state == "complete")
    return [(told - result.seconds, told) for told, result in ended if told and result]


def main() -> None:
    """Prints a line for each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, help="where the run's executor does not tell")
    parser.add_argument("runs", nargs="+", metavar="RUN")
    asked = parser.parse_args()
    for name in asked.runs:
        run = open_run(name)
        workers, jobs = asked.workers or run.config.executor.parallel or 1, jobs_of(run)
        took = [until - since for since, until in jobs]
        print(
            f"{name}: idle {share(jobs, workers):.2%} of {workers} workers' time; {len(jobs)} trials of "
            f"{statistics.median(took):.1f} s (median; {min(took):.1f} to {max(took):.1f}), "
            f"sampler={run.config.sampler.sampler}"
        )


if __name__ == "__main__":
    main()
