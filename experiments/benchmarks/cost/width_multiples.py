"""The speed in onnxruntime of networks with widths that are multiples of 8, and of 4.

    python -m experiments.benchmarks.cost.width_multiples

MobileNetV1 for images of 32 px is scaled to several sizes, once with multiples of 8 and once with multiples of 4. The
latency of each network (one image, one thread) is measured in turns with a reference, five times. A row gives the
median nanoseconds per thousand multiply-adds of both networks, and their ratio. Start it on an idle machine. It takes
a few minutes.
"""

from __future__ import annotations

from statistics import geometric_mean, median

from search.engine.around import Frame
from search.models.inference import Conditions
from search.profiles.latency_bench import LatencyBench, latency_bench
from space import Architecture, cost, published
from space.catalog.matching import adapt
from space.rescale import GROWTH, Multipliers, Rounding, rescale

FRAME = Frame(resolution=32, channels=3, classes=10)
PHIS = (-12.0, -11.0, -10.0, -9.0, -8.0, -7.0, -6.0)
"""The sizes: depth is multiplied by 1.2^phi and width by 1.1^phi."""
REPEATS = 5


def scaled(phi: float, divisor: int) -> Architecture:
    """Return MobileNetV1 scaled by `phi` (see `PHIS`), with widths that are multiples of `divisor`."""
    whole = adapt(published("mobilenet-v1").architecture, FRAME)
    return rescale(whole, Multipliers(GROWTH.depth**phi, GROWTH.width**phi), Rounding(divisor=divisor))


def rate(bench: LatencyBench, network: Architecture) -> float:
    """Return the nanoseconds of an inference per thousand multiply-adds, as the median of `REPEATS` measurements."""
    ms = median(bench.ratio(network) for _ in range(REPEATS)) * bench.reference_ms
    return ms * 1e9 / cost(network).macs


def main() -> None:
    """Measure both networks of each size, and print a row for it."""
    print("| multiples of 8 | of 4 | ns per 1,000 multiply-adds, 8 | 4 | ratio |\n|---|---|---:|---:|---:|")
    ratios = []
    with latency_bench(Conditions(), scaled(PHIS[-1], 8)) as bench:
        for phi in PHIS:
            eight, four = (scaled(phi, divisor) for divisor in (8, 4))
            fast, slow = rate(bench, eight), rate(bench, four)
            ratios.append(slow / fast)
            widths = (" ".join(str(stage.width) for stage in one.stages) for one in (eight, four))
            print(f"| {' | '.join(widths)} | {fast:.1f} | {slow:.1f} | {slow / fast:.2f} |", flush=True)
    low, high = min(ratios), max(ratios)
    print(f"\nGeometric mean of {len(ratios)} ratios: {geometric_mean(ratios):.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
