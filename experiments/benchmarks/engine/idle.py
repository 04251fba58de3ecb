"""The share of time in which the workers of a run waited for the driver.

    search launch space=effv2_32 proxy=small proxy.images=3000 trials=40 run=busy
    python -m experiments.benchmarks.engine.idle busy

The share is measured from the moment at which all workers have a trial to the start of the last trial. Before,
workers still start, and after, no trial is left for them. A worker is busy for the duration of its trial (the
`seconds` of its result), which includes measuring step times. Only complete trials count as work. Failed attempts,
and failed or pruned trials, count as idle time.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

from search.runs.run import Run, open_run


def share(jobs: Sequence[tuple[float, float]], workers: int) -> float:
    """Return the idle share of the workers' time, 0 to 1, given the start and end of each job in seconds.

    Raises ValueError if there are no more jobs than workers, since then no worker waited for a second job.
    """
    if len(jobs) <= workers:
        raise ValueError(f"{len(jobs)} jobs for {workers} workers; there must be more jobs than workers")
    begun = sorted(since for since, _ in jobs)
    first, last = begun[workers - 1], begun[-1]
    busy = sum(max(0.0, min(until, last) - max(since, first)) for since, until in jobs)
    return 1 - busy / (workers * (last - first))


def jobs_of(run: Run) -> list[tuple[float, float]]:
    """Return the start and end of each complete trial, in seconds since 1970."""
    ended = ((trial.finished_at, trial.result) for trial in run.trials if trial.state == "complete")
    return [(finished - result.seconds, finished) for finished, result in ended if finished and result]


def main() -> None:
    """Print the idle share and the durations of trials of each run that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, help="number of workers (default: that of the run's executor)")
    parser.add_argument("runs", nargs="+", metavar="RUN")
    options = parser.parse_args()
    for name in options.runs:
        run = open_run(name)
        workers, jobs = options.workers or run.config.executor.parallel or 1, jobs_of(run)
        took = [until - since for since, until in jobs]
        print(
            f"{name}: idle {share(jobs, workers):.2%} of {workers} workers' time; {len(jobs)} trials of "
            f"{statistics.median(took):.1f} s (median; {min(took):.1f} to {max(took):.1f}), "
            f"sampler={run.config.sampler.sampler}"
        )


if __name__ == "__main__":
    main()
