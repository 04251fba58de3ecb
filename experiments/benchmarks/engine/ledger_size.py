"""The cost of a long history: opening a run with many trials, and proposing and storing one more.

    python experiments/benchmarks/engine/ledger_size.py --trials 5000 --more 20
    python experiments/benchmarks/engine/ledger_size.py --trials 100 300 480 --more 16 --samplers ordinal_gp

For each sampler and number of trials, a run with that many finished trials is written, opened, resumed by an engine,
and continued. Nothing is trained, and early stop is off. Two times are printed: the CPU time of the thread that runs
the engine, which other load does not affect, and the wall-clock time, which includes waiting for the disk. It takes a
minute with the defaults.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import yaml

from search.config import Config
from search.engine.engine import Engine
from search.engine.proposals import Sampled
from search.proxy.evaluate import Request, Result
from search.runs.names import CONFIG
from search.runs.run import LEDGER, open_run
from search.testing import looked_up
from search.trials.ledger import Ledger
from search.trials.records import Record


def result(request: Request) -> Result:
    return looked_up(request, lambda epoch, loss: None)


def fill(path: Path, config: Config, trials: int) -> None:
    """Write a run to the folder `path`, with `trials` complete trials of random networks."""
    path.mkdir(parents=True)
    (path / CONFIG).write_text(yaml.safe_dump(config.document()))
    rng = random.Random(0)
    with closing(Ledger(path / LEDGER)) as ledger:
        ledger.note("fidelity", "benchmark")
        for number in range(trials):
            point = config.space.sample(rng)
            network = config.space.at(point)
            record = Record(number, network.digest, str(network), 0, point, "waiting", 1, "", 0.0, None, None)
            request = Request(number, 1, str(network), config.proxy, config.data, 0, str(config.reference))
            ledger.add(record)
            ledger.complete(record, "benchmark", result(request), 1.0)


def taken(what: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU time of this thread and the wall-clock time that `what()` takes, in seconds."""
    clock, thread = time.perf_counter(), time.thread_time()
    what()
    return time.thread_time() - thread, time.perf_counter() - clock


def search_on(engine: Engine) -> None:
    """Run one more trial of the search, with an invented result."""
    request = engine.next_trial()
    assert request is not None
    engine.on_report(request.number, 1, 1.0)
    engine.on_result(request.number, result(request))


def measured(sampler: str, trials: int, more: int) -> None:
    """Print the times of a run with `trials` finished trials and `more` + 1 further ones.

    The last line has the size of the run's ledger in bytes per trial. sampler: the name of the sampler.
    """
    total = trials + more + 1
    config = Config.of({"space": "effv2", "sampler": sampler, "trials": total})
    endless = config.sampler.model_copy(update={"early_stop": False})
    config = replace(config, sampler=endless) if hasattr(config.sampler, "early_stop") else config
    path = Path("runs/long")
    fill(path, config, trials)
    rows = {"open": taken(partial(open_run, "long"))}
    with closing(Ledger(path / LEDGER)) as ledger:
        engine = Engine(config, Sampled(config), ledger, lambda proxy: "benchmark")
        rows["first trial after a resume"] = taken(partial(search_on, engine))
        further = [taken(partial(search_on, engine)) for _ in range(more)]
    for name, of in (("each further trial", statistics.median), ("the longest of them", max)):
        rows[name] = of(cpu for cpu, _ in further), of(wall for _, wall in further)
    size = path.joinpath(LEDGER).stat().st_size / trials
    for name, (cpu, wall) in rows.items():
        print(f"{sampler:<12}{trials:>6} {name:<28}{1e3 * cpu:>10.1f}{1e3 * wall:>10.1f}")
    print(f"{sampler:<12}{trials:>6} {'bytes of ledger a trial':<28}{size:>10,.0f}", flush=True)


def main() -> None:
    """Print a table of times, for each sampler and number of trials."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[5000])
    parser.add_argument("--more", type=int, default=20)
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe"])
    options = parser.parse_args()
    print("Runs in the space effv2; trials: the finished ones when the run is opened")
    print(f"{'sampler':<12}{'trials':>6} {'what':<28}{'CPU ms':>10}{'clock ms':>10}")
    for sampler in options.samplers:
        for trials in options.trials:
            with tempfile.TemporaryDirectory() as folder:
                os.chdir(folder)
                measured(sampler, trials, options.more)
                os.chdir("/")


if __name__ == "__main__":
    main()
