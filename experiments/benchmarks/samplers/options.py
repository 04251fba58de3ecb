"""A comparison of two values of a sampler's option in a space of which every training is recorded.

    python -m experiments.benchmarks.samplers.options --nas-bench-macro FILE auto early_stop false true --trials 256
    python -m experiments.benchmarks.samplers.options --nas-bench-macro FILE evolution finish 0 0.2 --trials 1024

Searches with the same seed have the same trainings. A network's true reward is the mean over its recorded seeds. Its
regret is the difference to the highest true reward, in % of the latter. Two regrets are printed: of the network with
the best reward in a search, and of the truly best among the five networks with the best rewards, which finals with
all recorded seeds would select. There is one worker, and the engine is the real one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from experiments.benchmarks.samplers.tabular.recorded import Recorded, nas_bench_macro
from experiments.benchmarks.samplers.tabular.simulation import MEMORY
from search.config import Config
from search.engine.engine import Engine
from search.engine.proposals import Sampled
from search.samplers import SAMPLERS, Sampler
from search.settings.words import parse
from search.trials.ledger import Ledger
from search.trials.trial import ranked
from space import UserError

TOP = 5
"""The number of networks that finals train again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a search.

    trials: the number of complete trials. best, top: the regrets, in % of the best reward, of the best network seen
    and of the truly best among the `TOP` best seen.
    """

    trials: int
    best: float
    top: float


def outcome(problem: Recorded, sampler: Sampler, seed: int, trials: int) -> Outcome:
    """Run a search of `problem`, and return its outcome.

    seed: the seed of the search, which also decides the recorded trainings that it sees.
    """
    config, place = problem.config(sampler, trials, seed), MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, closing(Ledger(Path(folder, "ledger"))) as ledger:
        engine = Engine(config, Sampled(config), ledger, lambda proxy: "simulated")
        while request := engine.next_trial():
            engine.on_result(request.number, problem.result(request, seed))
        order = ranked(trial for trial in engine.trials if trial.state == "complete")
    truths = [problem.truths[str(trial.architecture)] for trial in order]
    most = max(problem.truths.values())
    return Outcome(len(order), 100 * (1 - truths[0] / most), 100 * (1 - max(truths[:TOP]) / most))


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Return a text with the mean, the median, and the extremes in brackets."""
    mean, middle = statistics.fmean(values), statistics.median(values)
    return f"{mean:.{digits}f}, {middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    """Print a line for each search, and a summary of both values of the option."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nas-bench-macro", type=Path, metavar="FILE", required=True)
    parser.add_argument("sampler", choices=SAMPLERS)
    parser.add_argument("option")
    parser.add_argument("values", nargs=2, metavar="VALUE", help="the two values")
    parser.add_argument("--trials", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed")
    asked = parser.parse_args()
    settings = {v: [f"sampler={asked.sampler}", f"sampler.{asked.option}={v}"] for v in asked.values}
    try:
        problem = nas_bench_macro(asked.nas_bench_macro)
        samplers = {value: Config.of(parse(words)).sampler for value, words in settings.items()}
    except UserError as error:
        parser.exit(2, f"{error}\n")
    found: dict[str, list[Outcome]] = {value: [] for value in samplers}
    for seed in range(asked.first, asked.first + asked.seeds):
        for value, sampler in samplers.items():
            found[value].append(each := outcome(problem, sampler, seed, asked.trials))
            told = f"{each.trials} trials, regret {each.best:.3f} %, of the best of {TOP} {each.top:.3f} %"
            print(f"seed {seed}, {asked.option}={value}: {told}", flush=True)
    report(asked.option, found)


def report(option: str, found: dict[str, list[Outcome]]) -> None:
    """Print means, medians and extremes for both values of the option, and for their paired differences."""
    for value, outcomes in found.items():
        print(f"\n{option}={value}, n = {len(outcomes)}: mean, median (extremes)")
        print(f"  trials                 {spread([each.trials for each in outcomes], 0)}")
        print(f"  regret %, best seen    {spread([each.best for each in outcomes])}")
        print(f"  regret %, best of {TOP}    {spread([each.top for each in outcomes])}")
    (one, ones), (other, others) = found.items()
    pairs = list(zip(ones, others, strict=True))
    print(f"\n{option}={other} minus {one}, paired by search: mean, median (extremes)")
    print(f"  regret %, best seen    {spread([b.best - a.best for a, b in pairs])}")
    print(f"  regret %, best of {TOP}    {spread([b.top - a.top for a, b in pairs])}")


if __name__ == "__main__":
    main()
