"""The errors of three latency predictors on networks that the profile has not seen, and of a second measurement.

    search profile space=effv2_32 cost=latency
    python -m experiments.benchmarks.cost.latency measure --out FILE.csv      # repeat until it says done
    python -m experiments.benchmarks.cost.latency report --out FILE.csv
    python -m experiments.benchmarks.cost.latency cross --samples FILE.json.part    # an unfinished profile is enough

The networks are random ones of the space, none of them measured for the profile. For effv2_32 there are also scaled
published networks, and random networks with four widths a stage; most blocks of the latter are not in the profile's
table. Each network is measured twice, in turns with the profile's reference network. Three designs of predictor are
compared: the profile's table of blocks, with a regression on the amounts of work (such as multiply-adds) for blocks
that the table lacks; this regression alone, fitted to blocks; and with --samples a regression fitted to whole
networks.

`cross` needs no further measurements: it leaves out a fifth of a profile's networks at a time and predicts them from
the others. This is harder than the use of a complete profile: blocks that occur only in those networks are not in the
table.

Start it on an idle machine. The load and the share of time that the process had to wait are in the report.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from search.models.inference import Conditions
from search.profiles import Predictor, Profile, blocks
from search.profiles.campaign import MAX_NETWORKS
from search.profiles.latency_bench import latency_bench
from search.profiles.profile import file_of
from search.profiles.regression import Sample, fit, rates
from search.profiles.sampling import chosen
from search.settings.words import parse
from space import CATALOG, Architecture, Multipliers, Space, decode, rescale
from space.timing.device import Device

COLUMNS = ("set", "architecture", "take", "ratio", "spread", "wall", "load")
WIDTHS = {
    "stages.0.width": [8, 16, 24, 32],
    "stages.1.width": [16, 24, 32, 48],
    "stages.2.width": [24, 40, 56, 80],
    "stages.3.width": [40, 56, 72, 112],
    "stages.4.width": [64, 96, 128, 192],
}
"""Four widths a stage, around those of effv2_32."""
SCALED = ("b0", "v2-b0", "mobilenet-v2-1.0", "mobilenet-v3-large", "mobilenet-v1", "mobilenet-v4-conv-small")
"""The published networks that are scaled to 64 px with 1.25 times the width, and to 96 px with 0.75 times the
width."""


def networks(plain: Space, count: int) -> Iterator[tuple[str, Architecture]]:
    """Yield (name of the set, network): `count` random networks of the space `plain`.

    For effv2_32, `count` random networks with four widths a stage follow, and 12 scaled published networks.
    """
    known = {*chosen(plain, MAX_NETWORKS)}
    wide = (("four widths", Space.load(plain.name, WIDTHS)),) if plain.name == "effv2_32" else ()
    for name, own in ((plain.name, plain), *wide):
        rng, found = random.Random(1000), dict[Architecture, None]()
        while len(found) < count:
            network = own.at(own.sample(rng))
            if network not in known:
                found[network] = None
        yield from ((name, network) for network in found)
    for name in SCALED if wide else ():
        base = CATALOG[name].architecture
        for side, width in ((64, 1.25), (96, 0.75)):
            factors = Multipliers(width=width, resolution=side / base.resolution)
            yield "scaled published", rescale(base, factors)


def measure(profile: Profile, runtime: str, space: Space, count: int, out: Path, seconds: float) -> bool:
    """Measure the networks that `out` lacks, first all once and then all again. Return True if none is left.

    No measurement begins after `seconds`.
    """
    rows: list[Mapping[str, object]] = list(read_rows(out))
    done = {(row["set"], row["architecture"], row["take"]) for row in rows}
    conditions, started = Conditions(runtime), time.monotonic()  # type: ignore[arg-type]
    wanted = [(name, network, take) for take in ("1", "2") for name, network in networks(space, count)]
    missing = [each for each in wanted if (each[0], str(each[1]), each[2]) not in done]
    with latency_bench(conditions, decode(profile.reference), profile.reference_ms) as bench:
        for name, network, take in missing:
            if time.monotonic() - started > seconds:
                return False
            taken = bench.time(network)
            values = (taken.ratio, taken.spread, taken.wall_ms / taken.ms, os.getloadavg()[0])
            rows.append(dict(zip(COLUMNS, (name, str(network), take, *values), strict=True)))
            write_rows(out, rows)
    return True


def report(profile: Profile, out: Path, samples: Path | None) -> Iterator[str]:
    """Yield the conditions, and a table of Kendall's tau and relative errors by set of networks and predictor design.

    samples: the file of a profile's measurements, for the regression on whole networks; None: without this design.
    """
    rows = read_rows(out)
    device = profile.device
    yield (
        f"{device.processor}, {device.threads} of {device.cores} cores; {device.runtime}, torch {device.torch}; load "
        f"{np.median([float(row['load']) for row in rows]):.1f} (median), wall time "
        f"{np.median([float(row['wall']) for row in rows]):.2f} of CPU time; profile {profile.digest} of "
        f"{profile.networks} networks, wall {profile.wall:.2f}, error {profile.error:.1%}"
    )
    yield f"{'':<20}{'':<34}{'n':>4}{'tau':>8}{'MAPE':>8}{'worst':>8}"
    table = Predictor(profile)
    bare = Predictor(profile.model_copy(update={"blocks": {}}))
    for name in dict.fromkeys(row["set"] for row in rows):
        takes = [
            {
                row["architecture"]: float(row["ratio"])
                for row in rows
                if (row["set"], row["take"]) == (name, take)
            }
            for take in ("1", "2")
        ]
        both = [text for text in takes[0] if text in takes[1]]
        first, second = (np.array([take[text] for text in both]) for take in takes)
        if len(both) < 2:
            continue
        truth = np.sqrt(first * second)
        for design, predictor in (("table, then regression", table), ("regression on blocks", bare)):
            told = predictor.all([decode(text) for text in both])[0] / profile.reference_ms
            yield _line(name, design, told, truth)
        if samples:
            units = whole_networks(_samples(samples)[1])
            works = [work_of(decode(text)) for text in both]
            told = np.array([sum(units.get(kind, 0.0) * n for kind, n in work.items()) for work in works])
            yield _line(name, "regression on whole networks", told, truth)
        yield _line(name, "measured again", first, second)


def cross(path: Path) -> Iterator[str]:
    """Yield a report on the errors of each predictor, by five-fold cross-validation over the networks of a profile.

    path: the file of a profile's measurements, FILE.json.part.
    """
    head, samples = _samples(path)
    reference = decode(head["reference"])
    device = Device(**{field.name: head[field.name] for field in fields(Device)})
    own = [
        sample
        for sample in samples
        if (network := decode(sample.architecture)).resolution == reference.resolution
        and network.classes == reference.classes
    ]
    random.Random(0).shuffle(own)
    told: dict[str, list[float]] = {}
    truth: list[float] = []
    for fold in range(5):
        left_out = own[fold::5]
        known = [sample for sample in samples if sample not in left_out]
        profile = fit(known, device, head["batch"], "", reference, "", "latency")
        units = whole_networks(known)
        bare = profile.model_copy(update={"blocks": {}})
        table, regression = Predictor(profile), Predictor(bare)
        for sample in left_out:
            network = decode(sample.architecture)
            whole = sum(units.get(kind, 0.0) * amount for kind, amount in work_of(network).items())
            told.setdefault("table, then regression", []).append(table(network).ms / profile.reference_ms)
            told.setdefault("regression on blocks", []).append(regression(network).ms / profile.reference_ms)
            told.setdefault("regression on whole networks", []).append(whole)
            truth.append(sample.step)
    wall = np.median([sample.wall for sample in samples])
    spread = np.median([sample.spread for sample in samples])
    yield (
        f"{device.processor}, {device.runtime}; {len(samples)} networks; wall time {wall:.2f} of CPU time, half "
        f"interval of a ratio {spread:.1%} (medians)"
    )
    for design, values in told.items():
        yield _line("left out", design, np.array(values), np.array(truth))


def _samples(path: Path) -> tuple[dict[str, Any], list[Sample]]:
    """Return the head (device, batch, reference) and the measured networks of a profile's file FILE.json.part."""
    head, *lines = map(json.loads, path.read_text().splitlines())
    return head, list(map(Sample.from_dict, lines))


def whole_networks(samples: Sequence[Sample]) -> Mapping[str, float]:
    """Return the time per unit of each kind of work (see `work_of`), fitted to whole networks instead of blocks.

    Times are divided by the time of the reference network's inference.
    """
    works = [work_of(decode(sample.architecture)) for sample in samples]
    return rates(works, np.array([sample.step for sample in samples]))


def work_of(network: Architecture) -> Mapping[str, float]:
    """Return the amounts of work, such as multiply-adds, in one inference, by kind (see `blocks.work`)."""
    spent = Counter(blocks.work_of_classifier(network, *blocks.before_head(network), "latency"))
    for part in blocks.parts(network):
        spent.update(blocks.work(part))
    return spent


def _line(name: str, design: str, told: np.ndarray, truth: np.ndarray) -> str:
    errors = np.abs(told / truth - 1)
    tau = kendalltau(told, truth).statistic
    return f"{name:<20}{design:<34}{len(truth):>4}{tau:>8.3f}{errors.mean():>8.1%}{errors.max():>8.1%}"


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; [] if the file does not exist."""
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write `rows`, at least one, to a CSV file. The file is replaced only when the new one is complete."""
    draft = path.with_suffix(".part")
    with draft.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    draft.replace(path)


def main() -> None:
    """Measure latencies, or print one of the two reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("measure", "report", "cross"))
    parser.add_argument("--out", type=Path, default=Path("latency.csv"), help="the CSV of the measurements")
    parser.add_argument("--space", default="effv2_32")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes of the space, as resolution=224"
    )
    parser.add_argument("--runtime", default="onnxruntime", choices=("onnxruntime", "torch"))
    parser.add_argument("--profile", type=Path, help="a profile's file (default: the space's on this device)")
    parser.add_argument(
        "--samples", type=Path, help="a profile's FILE.json.part, to compare with another design"
    )
    parser.add_argument("--networks", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=200.0)
    given = parser.parse_args()
    if given.what == "cross":
        return print("\n".join(cross(given.samples)))
    conditions = Conditions(given.runtime)
    space = Space.load(given.space, parse(given.set))
    path = given.profile or file_of(conditions.described(), 1, space, "latency")
    profile = Profile.load(path)
    if given.what == "measure":
        done = measure(profile, given.runtime, space, given.networks, given.out, given.seconds)
        print("done" if done else "not done: repeat the command")
    else:
        print("\n".join(report(profile, given.out, given.samples)))


if __name__ == "__main__":
    main()
