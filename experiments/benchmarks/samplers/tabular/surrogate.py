"""Invented problems in large spaces, with many choices and a reward in which costs count against the accuracy.

    python -m experiments.benchmarks.samplers.sample_efficiency \\
        --problem experiments.benchmarks.samplers.tabular.surrogate:effv2_32 --samplers auto tpe --trials 64

The mean, the spread and the noise of the accuracies are those of the 256 trained networks of `effv2_mini`. So are the
shares of the variance that sizes, single choices and pairs of choices explain, by a regression on these networks.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from experiments.benchmarks.samplers.tabular.problem import Reading
from experiments.benchmarks.samplers.tabular.recorded import SECONDS
from space import Architecture, Space, cost

MEAN, STD, NOISE = 0.5076, 0.0273, 0.0087
"""The mean and the standard deviation of effv2_mini's accuracies, and the deviation between seeds of a network."""
SHARES = {"sizes": 0.54, "choices": 0.28, "pairs": 0.11, "rest": 0.07}
"""The shares of the variance that params and MACs explain, and that single choices, then pairs of choices, then
everything else explain in addition."""
SAMPLE = 1000
"""The number of random networks by which each part is scaled to its share, and seconds are scaled to `SECONDS`."""


class Surrogate:
    """A `Problem` with an invented accuracy for every network of a space.

    The accuracy is a sum: a trend in size, effects of single choices and of pairs of choices, and a random remainder.
    """

    def __init__(
        self,
        space: str,
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        saturation: float = 0.0,
    ) -> None:
        """Take the name of the space, a seed that decides all effects, and settings of the search.

        saturation: the rate at which the gain by size falls with every standard deviation of size. With 0 the trend
        is a straight line. With more, a reward with costs has its optimum at medium sizes.
        """
        self._space, self._seed, self._saturation = Space.load(space), seed, saturation
        self._settings = {"reward.cost": "macs", **(settings or {})}
        self._train = lru_cache(maxsize=1 << 16)(self._accuracy)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of a search (see `Problem`). The reward is effv2, by default with MACs as the cost."""
        return {"space": self._space, "reward": "effv2", **self._settings}

    def train(self, network: Architecture, seed: int) -> Reading:
        """Return a training with normal noise, and with seconds in proportion to the MACs of the network.

        With equal seconds, several workers would finish together, unlike workers with real trainings.
        """
        accuracy = self.accuracy(network) + NOISE * self._normal("noise", seed, str(network))
        return Reading(accuracy, SECONDS * cost(network).macs / self._mean_macs)

    def accuracy(self, network: Architecture) -> float:
        """Return the true accuracy of `network`, at most 0.95 (see `Problem`)."""
        return self._train(network)

    def _accuracy(self, network: Architecture) -> float:
        parts = self._parts(network)
        scaled = {name: (parts[name] - mean) / std for name, (mean, std) in self._scales.items()}
        if self._saturation:
            scaled["sizes"] = -math.expm1(-self._saturation * scaled["sizes"]) / self._saturation
        return min(0.95, MEAN + STD * sum(math.sqrt(SHARES[name]) * value for name, value in scaled.items()))

    @cached_property
    def _mean_macs(self) -> float:
        """The mean MACs of `SAMPLE` random networks."""
        rng = random.Random(self._seed)
        return math.fsum(self._space.cost_at(self._space.sample(rng)).macs for _ in range(SAMPLE)) / SAMPLE

    @cached_property
    def _scales(self) -> Mapping[str, tuple[float, float]]:
        """The mean and standard deviation of each part of the accuracy over random networks, by a key of `SHARES`."""
        rng = random.Random(self._seed)
        sample = [self._parts(self._space.at(self._space.sample(rng))) for _ in range(SAMPLE)]
        scales = {}
        for name in SHARES:
            values = [parts[name] for parts in sample]
            mean = math.fsum(values) / SAMPLE
            scales[name] = mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / SAMPLE) or 1.0
        return scales

    def _parts(self, network: Architecture) -> Mapping[str, float]:
        spent, described = cost(network), list(_described(network))
        return {
            "sizes": math.log(spent.macs) + math.log(spent.params),
            "choices": math.fsum(self._effect(place, value) for stage in described for place, value in stage),
            "pairs": math.fsum(
                self._normal("pair", one, other)
                for before, after in pairwise(described)
                for one, other in zip(before, after, strict=True)
            ),
            "rest": self._normal("rest", str(network)),
        }

    def _effect(self, place: str, value: object) -> float:
        """Return the effect of the value of a field of a stage (`place`, such as "0.kernel") on the accuracy.

        It is half a standard normal number; a numeric value also has a trend in log(1 + value) with a random slope.
        """
        trend = self._normal("trend", place) * math.log(1 + value) if isinstance(value, int | float) else 0.0
        return trend + 0.5 * self._normal("effect", place, value)

    def _normal(self, *key: object) -> float:
        """Return a standard normal value that depends on the seed and the key alone."""
        digest = hashlib.sha256(repr((self._seed, *key)).encode()).digest()
        one, other = (int.from_bytes(digest[part : part + 6]) / 2**48 for part in (0, 6))
        return math.sqrt(-2 * math.log(one or 2**-48)) * math.cos(2 * math.pi * other)


def _described(network: Architecture) -> Iterator[tuple[tuple[str, object], ...]]:
    """Yield the fields of each stage as pairs of a place, such as "0.kernel" in the first stage, and a value."""
    for number, stage in enumerate(network.stages):
        fields = ("op", "kernel", "expand", "depth", "width", "se")
        yield tuple((f"{number}.{name}", getattr(stage, name)) for name in fields)


effv2_32 = Surrogate("effv2_32", seed=1)
mobile = Surrogate("mobile", seed=2)
effv2 = Surrogate("effv2", seed=3)
effv2_saturating = Surrogate(
    "effv2", seed=5, settings={"reward.w": -0.035, "reward.v": -0.025}, saturation=0.5
)
mobile_saturating = Surrogate("mobile", seed=6, saturation=0.5)
effv2_32_accuracy = Surrogate("effv2_32", seed=4, settings={"reward.w": 0, "reward.v": 0})
