"""The statistics of `proxy_table`: rank agreement with long trainings, reliability and cost of each candidate."""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Values = NDArray[np.float64]
"""An array (seeds, networks) with one figure of each training, the larger the better; NaN if it is missing."""

SIGNALS: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "accuracy": lambda line: line["accuracy"],
    "loss": lambda line: -line["loss"],
    "training loss": lambda line: -line["curve"][-1],
}
BOTH = "both"
"""The name of a signal: the mean of the standardised accuracy and the standardised negative validation loss."""
_RESAMPLED = 1000


def pairs_agreement(one: Values, other: Values, weights: NDArray[np.int64]) -> float:
    """Return the mean of Kendall's tau-b over all pairs of a row of `one` and a row of `other`.

    weights: (networks,), how often each network occurs in a resample. A network is never paired with itself.
    """
    pair_weights = np.triu(np.outer(weights, weights), 1)
    taus = []
    for a, b in itertools.product(one, other):
        first, second = np.sign(a[:, None] - a), np.sign(b[:, None] - b)
        ties = np.sqrt((pair_weights * first**2).sum() * (pair_weights * second**2).sum())
        taus.append((pair_weights * first * second).sum() / ties if ties else np.nan)
    return float(np.mean(taus))


def own_agreement(values: Values, weights: NDArray[np.int64]) -> float:
    """Return the mean tau-b between the seeds of the same training; NaN for one seed.

    weights: see `pairs_agreement`.
    """
    taus = [pairs_agreement(values[[a]], values[[b]], weights) for a, b in _seed_pairs(values)]
    return float(np.mean(taus)) if taus else float("nan")


def reliability(values: Values) -> float:
    """Return the mean Spearman correlation between the seeds of the same training; NaN for one seed."""
    rhos = [np.corrcoef(rankdata(values[a]), rankdata(values[b]))[0, 1] for a, b in _seed_pairs(values)]
    return float(np.mean(rhos)) if rhos else float("nan")


def _seed_pairs(values: Values) -> Iterator[tuple[int, int]]:
    return itertools.combinations(range(len(values)), 2)


def table_of(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, dict[str, Mapping[str, Any]]]]:
    """Return the lines of the finished trainings as nested mappings, by kind, then by seed, then by network."""
    table: dict[str, dict[int, dict[str, Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        if "failed" not in line:
            table[line["kind"]][line["seed"]][line["network"]] = line
    return table


def _values(
    seeds: Mapping[int, Mapping[str, Mapping[str, Any]]], networks: Sequence[str], signal: str
) -> Values:
    if signal == BOTH:
        parts = [_values(seeds, networks, name) for name in ("accuracy", "loss")]
        return np.mean(
            [(p - p.mean(1, keepdims=True)) / np.maximum(p.std(1, keepdims=True), 1e-12) for p in parts],
            axis=0,
        )
    return np.array([[SIGNALS[signal](by[network]) for network in networks] for by in seeds.values()])


def rows(lines: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, object]]:
    """Yield a row for each candidate, signal and half ("all", or the "better" half by the long trainings).

    A seed of a candidate counts if it has trained at least 0.7 times as many networks as any other of its seeds. A
    seed of the long trainings counts if it has trained at least 0.7 of the networks that all these seeds of the
    candidate have trained. Rows are about the networks that all seeds that count have trained. A candidate with fewer
    than 4 such networks has no rows.
    """
    table = table_of(lines)
    long = table.pop("long", {})
    costs = {kind: seeds[0] for kind in [*table] if kind.startswith("cost ") for seeds in [table.pop(kind)]}
    for kind, seeds in sorted(table.items()):
        full = max(len(by) for by in seeds.values())
        seeds = {seed: by for seed, by in sorted(seeds.items()) if len(by) >= 0.7 * full}
        truths = _complete(long, set.intersection(*(set(by) for by in seeds.values())))
        if not truths:
            continue
        networks = sorted(set.intersection(*(set(by) for by in (*truths.values(), *seeds.values()))))
        if len(networks) < 4:
            continue
        truth = _values(truths, networks, "accuracy")
        order = np.argsort(-truth.mean(0))
        for half, chosen in (("all", order), ("better", order[: (len(order) + 1) // 2])):
            names = [networks[place] for place in chosen]
            for signal in (*SIGNALS, BOTH):
                row = _row(_values(truths, names, "accuracy"), _values(seeds, names, signal))
                share = _share(long, seeds, costs, kind, names)
                yield {
                    "candidate": kind,
                    "signal": signal,
                    "half": half,
                    "n": len(names),
                    **row,
                    "share": share,
                }


def _complete(long: Mapping[int, Mapping[str, Any]], networks: set[str]) -> dict[int, Any]:
    """Return, by seed, the long trainings of the seeds that have trained at least 0.7 of `networks`."""
    return {seed: by for seed, by in sorted(long.items()) if len(networks & set(by)) >= 0.7 * len(networks)}


def _row(truth: Values, proxy: Values) -> dict[str, object]:
    count = truth.shape[1]
    rng, once = np.random.default_rng(0), np.ones(count, dtype=np.int64)
    tau, ceiling = pairs_agreement(proxy, truth, once), own_agreement(truth, once)
    draws = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(_RESAMPLED)]
    taus = [pairs_agreement(proxy, truth, draw) for draw in draws]
    deficits = [t - own_agreement(truth, draw) for t, draw in zip(taus, draws, strict=True)]
    low, high = np.nanquantile(taus, (0.025, 0.975))
    deficit_low, deficit_high = np.quantile(deficits, (0.025, 0.975)) if len(truth) > 1 else (np.nan, np.nan)
    return {
        "proxy_seeds": len(proxy),
        "long_seeds": len(truth),
        "tau": round(tau, 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "long_tau": round(ceiling, 3),
        "ratio": round(tau / ceiling, 3) if ceiling > 0 else "",
        "deficit_low": round(float(deficit_low), 3),
        "deficit_high": round(float(deficit_high), 3),
        "rho_seeds": round(reliability(proxy), 3),
    }


def _share(
    long: Mapping[int, Mapping[str, Any]],
    seeds: Mapping[int, Mapping[str, Any]],
    costs: Mapping[str, Mapping[str, Any]],
    kind: str,
    names: Sequence[str],
) -> float | str:
    """Return the ratio of the CPU time of a proxy training to a long training, from timed steps if there are any.

    Returns "" if there are no timed steps and a training was on a GPU.
    """
    timed, whole = costs.get(f"cost {kind}", {}), costs.get("cost long", {})
    both = [name for name in names if name in timed and name in whole]
    if both:
        spent = [sum(by[n]["steps"] * by[n]["step_seconds"] for n in both) for by in (timed, whole)]
        return round(spent[0] / spent[1], 3)
    parts = [[by[n] for by in group.values() for n in names if n in by] for group in (seeds, long)]
    if any(line["device"] != "cpu" for part in parts for line in part):
        return ""
    means = [np.mean([line["cpu_seconds"] for line in part]) for part in parts]
    return round(float(means[0] / means[1]), 3)


def report(lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Print the table and write it as CSV. Without rows, print only that there is no table."""
    table = list(rows(lines))
    if not table:
        print("There is no table: fewer than 4 networks have both long trainings and trainings by one proxy.")
        return
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    widths = {key: max(len(key), *(len(str(row[key])) for row in table)) for key in table[0]}
    for row in ({key: key for key in widths}, *table):
        print("  ".join(str(row[key]).rjust(width) for key, width in widths.items()))
    print(f"Wrote {path}")
