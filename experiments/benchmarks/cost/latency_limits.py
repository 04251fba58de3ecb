"""Searches under limits on the latency, and the measured latencies of the exported networks.

    python -m experiments.benchmarks.cost.latency_limits --npz FILE.npz --out DIR [KEY=VALUE ...]

The limits are the 10, 30 and 60 % quantiles of the predicted latencies of `effv2_32`. For each limit there is a
search, `search launch space=effv2_32 data=npz data.path=FILE.npz reward=accuracy limit.latency=X`, with the further
settings given. Then the latency of every trial is measured as the search measures its answers: the exported network
in turns with the profile's reference. Start it on an idle machine. A second start continues an interrupted one.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.benchmarks.cost.latency import read_rows, write_rows
from experiments.benchmarks.training.four_classes import search
from search.profiles.latency_bench import latency_bench
from search.profiles.lookup import latency_profile, like
from search.profiles.predictor import Predictor
from search.profiles.profile import Profile
from search.runs.run import open_run
from space import Space, UserError, decode

COLUMNS = ("trial", "architecture", "predicted_ms", "ms")
SPACE = "effv2_32"
POINTS = (0.1, 0.3, 0.6)
_DRAWN = 2_000
"""The number of random networks whose predicted latencies give the limits."""


def limits(profile: Profile) -> dict[str, float]:
    """Return the latency limit of each search in milliseconds, by the name of the search, such as "limit-10"."""
    space, rng = Space.load(SPACE), random.Random(0)
    times = Predictor(profile).all([space.at(space.sample(rng)) for _ in range(_DRAWN)])[0]
    return {f"limit-{point:.0%}".rstrip("%"): round(float(np.quantile(times, point)), 2) for point in POINTS}


def measure(folder: Path, profile: Profile) -> list[dict[str, str]]:
    """Measure the latencies of the complete trials of the run in `folder`, and return a row for each.

    The rows are kept in a CSV file beside `folder`, and trials with a row are not measured again.
    """
    run, path = open_run(folder), folder.with_name(f"{folder.name}.csv")
    rows = read_rows(path)
    done = {row["trial"] for row in rows}
    with latency_bench(like(profile), decode(profile.reference), profile.reference_ms) as bench:
        for trial in run.trials:
            if trial.state != "complete" or trial.latency is None or str(trial.number) in done:
                continue
            ms = bench.ratio(trial.architecture) * profile.reference_ms
            values = (trial.number, trial.architecture, trial.latency.ms, ms)
            rows.append(dict(zip(COLUMNS, map(str, values), strict=True)))
            write_rows(path, rows)
    return rows


def report(folder: Path, limit: float, rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the row of a limit: how far trials exceed it, the error of predictions, and the answers.

    "Within 5 %" is the share of trials that keep the limit or exceed it by at most 5 %. "Worst" and "worst answer"
    are the largest excesses of a trial and of an answer; negative: below the limit. limit: milliseconds.
    """
    answers = open_run(folder).answers
    measured = {int(row["trial"]): float(row["ms"]) for row in rows}
    over = np.array(list(measured.values())) / limit - 1
    error = np.abs([float(row["predicted_ms"]) / float(row["ms"]) - 1 for row in rows]).mean()
    best = answers.most_accurate
    found = {trial.number for trial in (answers.best, answers.most_accurate, answers.cheapest)}
    worst = max(measured[number] / limit - 1 for number in found)
    yield (
        f"| {limit:g} ms | {len(rows)} | {(over <= 0.05).mean():.0%} | {over.max():+.1%} | {error:.1%} "
        f"| {worst:+.1%} | {measured[best.number]:.2f} ms | {best.accuracy:.4f} |"
    )


def main() -> None:
    """Run the searches, measure their trials, and print a table with a row for each limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="more settings of the searches")
    given = parser.parse_args()
    out = given.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    profile = latency_profile(Space.load(SPACE))
    if profile is None:
        raise UserError(f"First measure this device: search profile space={SPACE} cost=latency")
    words = [f"space={SPACE}", "data=npz", f"data.path={given.npz.absolute()}", "reward=accuracy"]
    table = ["| limit | trials | within 5 % | worst | MAPE | worst answer | most accurate | accuracy |"]
    table.append("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, limit in limits(profile).items():
        search(out, name, [*words, f"limit.latency={limit}ms", *given.settings])
        folder = out / "runs" / name
        table += report(folder, limit, measure(folder, profile))
    print("\n".join(table))


if __name__ == "__main__":
    main()
