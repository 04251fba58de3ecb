"""Problems for samplers with a recorded training of every network of a space."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.benchmarks.samplers.effv2_mini import TABLE
from experiments.benchmarks.samplers.tabular.problem import Reading, as_result
from search.config import Config
from search.proxy.evaluate import Request, Result
from search.pruners import Pruner
from search.samplers import Sampler
from space import Architecture, Space, UserError, cost, decode


@dataclass(frozen=True)
class Recorded:
    """A space with the recorded trainings of all its networks.

    settings: the settings of the search, such as {"reward.w": 0}. readings: the recorded trainings of each
    network by canonical string, one for each seed. shorter: the readings of low-fidelity trainings by their
    epochs, if the table has some. levels: numbers of trials, as in `Benchmark`.
    """

    name: str
    space: Space
    settings: Mapping[str, Any]
    readings: Mapping[str, tuple[Reading, ...]]
    shorter: Mapping[int, Mapping[str, tuple[Reading, ...]]] = field(default_factory=dict)
    levels: tuple[int, ...] = (256, 1024)

    def __post_init__(self) -> None:
        for epochs, readings in {0: self.readings, **self.shorter}.items():
            if missing := self.space.size - len(readings):
                short = f" with {epochs} epochs" if epochs else ""
                raise UserError(
                    f"{self.name}: of {self.space.size:,} networks {missing:,} are not in the table{short}."
                )

    def config(self, sampler: Sampler, trials: int, seed: int, pruner: Pruner | None = None) -> Config:
        """Return the configuration of a search of this problem.

        pruner: None: no pruner. If the table has only full trainings, no pruner is used either. Raises `UserError`
        for rungs that the table lacks.
        """
        config = Config.of({**self.settings, "trials": trials, "seed": seed, "pruner": "none"})
        config = replace(config, space=self.space, sampler=sampler)
        if pruner and self.shorter:
            config = replace(config, pruner=pruner)
        for epochs in config.ladder.epochs[:-1]:
            if epochs not in self.shorter:
                raise UserError(f"{self.name} has no trainings of {epochs} epochs.")
        return config

    @cached_property
    def epochs(self) -> int:
        """The epochs of a full training."""
        return Config.of(dict(self.settings)).proxy.epochs

    @cached_property
    def rewards(self) -> Mapping[str, tuple[float, ...]]:
        """The rewards of each network, one for each recorded seed, by canonical string."""
        config = Config.of(dict(self.settings))
        reward, reference = config.reward, replace(config, space=self.space).reference

        def scored(text: str, reading: Reading) -> float:
            return reward.score(reading.accuracy, reading.step_ratio, decode(text), reference).reward

        return {text: tuple(scored(text, each) for each in own) for text, own in self.readings.items()}

    @cached_property
    def truths(self) -> Mapping[str, float]:
        """The true reward of each network, the mean over its recorded seeds, by canonical string."""
        return {text: sum(rewards) / len(rewards) for text, rewards in self.rewards.items()}

    @cached_property
    def deviation(self) -> float:
        """The standard deviation of rewards between seeds, pooled over networks with two or more; NaN without any."""
        several = [rewards for rewards in self.rewards.values() if len(rewards) > 1]
        return math.sqrt(statistics.fmean(map(statistics.variance, several))) if several else math.nan

    @cached_property
    def points(self) -> Mapping[str, int]:
        """The number of points of the space that give each network, by canonical string."""
        return Counter(str(self.space.at(point)) for point in self.space.points())

    def available(self, network: Architecture) -> bool:
        """Return True: the table has all networks of the space."""
        return True

    def result(self, request: Request, run: int) -> Result:
        """Return a recorded training of the network, the same one in all searches with the number `run`."""
        epochs = request.proxy.epochs
        shorter = epochs in self.shorter
        readings = (self.shorter[epochs] if shorter else self.readings)[request.architecture]
        named = f"{run} {request.architecture}" + (f" {epochs}" if shorter else "")
        digest = hashlib.sha256(named.encode()).digest()
        reading = readings[int.from_bytes(digest[:4]) % len(readings)]
        return as_result(reading, epochs)


ACCURACY_ALONE = {"reward": "effv2", "reward.w": 0, "reward.v": 0}
"""The settings of a search whose reward is the accuracy."""

_MACRO_STAGES = ((64, 2), (128, 3), (256, 3))
"""The width and the number of layers of each stage of NAS-Bench-Macro (Su et al. 2021, "Prioritized
Architecture Sampling with Monto-Carlo Tree Search"). The resulting networks have exactly the params and FLOPs of
the published table."""
SECONDS = 60.0
"""The assumed seconds of a training with average MACs if a table has no times. Times are proportional to MACs."""


def nas_bench_macro(path: Path) -> Recorded:
    """Read the 3,969 networks of NAS-Bench-Macro, trained on CIFAR-10 with three seeds. The reward is the accuracy.

    path: `nas-bench-macro_cifar10.json` of github.com/xiusu/NAS-Bench-Macro. Several of its 6,561 rows can
    describe the same network. Raises `UserError` for another file.
    """
    table = _macro_table(path)
    space = Space.of(_macro_document(), "nas_bench_macro")
    networks = {digits: space.at(tuple(map(int, digits))) for digits in table}
    macs = {digits: cost(network).macs for digits, network in networks.items()}
    for digits, network in networks.items():
        if (cost(network).params, macs[digits]) != (table[digits]["params"], table[digits]["flops"]):
            raise UserError(f"{path}: {digits} has other params or flops than its network.")
    mean = sum(macs.values()) / len(macs)
    readings: dict[str, tuple[Reading, ...]] = {}
    for digits, network in networks.items():
        seconds = SECONDS * macs[digits] / mean
        own = tuple(Reading(percent / 100, seconds) for percent in table[digits]["test_acc"])
        if readings.setdefault(str(network), own) != own:
            raise UserError(f"{path}: two rows of one network differ, {digits} being the second.")
    return Recorded("nas-bench-macro", space, ACCURACY_ALONE, readings)


def _macro_table(path: Path) -> dict[str, dict[str, Any]]:
    try:
        table = json.loads(path.read_text("utf-8"))
        assert all(len(row["test_acc"]) == 3 and len(digits) == 8 for digits, row in table.items())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}.") from None
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        raise UserError(f"{path} is not NAS-Bench-Macro's table.") from None
    return table  # type: ignore[no-any-return]


def _macro_document() -> dict[str, Any]:
    """Return the description of the space, with a stage for each layer of NAS-Bench-Macro.

    A layer is MBConv with kernel 3 and expansion 3, MBConv with kernel 5 and expansion 6, or absent. With stride 2, a
    1x1 convolution replaces the absent layer.
    """
    stages: list[dict[str, Any]] = []
    for width, layers in _MACRO_STAGES:
        for layer in range(layers):
            place = {"stride": 1 if layer else 2, "width": width, "act": "relu6"}
            nothing = {"op": "mb", "kernel": 3, "expand": 3, "depth": 0} if layer else _PROJECTION
            blocks = [{"op": "mb", "kernel": k, "expand": e, "depth": 1} for k, e in ((3, 3), (5, 6))]
            stages.append({"choose": [{**block, **place} for block in (nothing, *blocks)], "ordered": True})
    stem = {"width": 32, "stride": 1, "act": "relu6"}
    head = {"width": 1280, "act": "relu6"}
    return {"resolution": 32, "stem": stem, "stages": stages, "head": head, "classes": 10}


_PROJECTION = {"op": "fused", "kernel": 1, "expand": 1, "depth": 1}


def trained(name: str, space: Space, settings: Mapping[str, Any], path: Path) -> Recorded:
    """Read a table of trainings as JSONL or CSV, with a row for each training.

    The columns are architecture, accuracy, seconds, epochs if there are low-fidelity trainings, and step_ratio
    if the reward has the step time. The first step_ratio of a network holds for all its trainings. The trainings
    of a network are in the order of the rows. Raises `UserError` for an invalid row, or if a network of the
    space is missing.
    """
    found: dict[int, dict[str, list[Reading]]] = {}
    ratios: dict[str, float] = {}
    for number, row in enumerate(_rows(path), 1):
        try:
            network: Architecture = decode(str(row["architecture"]))
            epochs, ratio = int(row.get("epochs") or 0), row.get("step_ratio")
            reading = Reading(float(row["accuracy"]), float(row["seconds"]))
            if ratio not in (None, ""):
                ratios.setdefault(str(network), float(ratio))
        except (LookupError, ValueError, TypeError) as error:
            raise UserError(f"{path}, row {number}: {type(error).__name__}: {error}.") from None
        found.setdefault(epochs, {}).setdefault(str(network), []).append(reading)
    kinds = {epochs: _timed(found[epochs], ratios) for epochs in sorted(found)}
    last = max(kinds, default=0)
    readings = kinds.pop(last, {})
    levels = tuple(trials for trials in (64, 256, 1024) if 2 * trials <= len(readings))
    settings = {**({"proxy.epochs": last} if last else {}), **settings}
    return Recorded(name, space, settings, readings, kinds, levels)


def effv2_mini(settings: Mapping[str, Any] = ACCURACY_ALONE) -> Recorded:
    """Read our own table `effv2_mini`, of 256 networks trained for 9, 3 and 1 epochs."""
    return trained("effv2_mini", Space.load("effv2_mini"), settings, TABLE)


def _timed(
    found: Mapping[str, Sequence[Reading]], ratios: Mapping[str, float]
) -> dict[str, tuple[Reading, ...]]:
    return {
        network: tuple(replace(reading, step_ratio=ratios.get(network)) for reading in readings)
        for network, readings in found.items()
    }


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}.") from None
    if path.suffix == ".csv":
        return csv.DictReader(text.splitlines())
    return _lines(path, text)


def _lines(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            yield json.loads(line)
        except ValueError:
            raise UserError(f"{path}, row {number} is not JSON.") from None


def made_up(seed: int = 0) -> Recorded:
    """Return the networks of `tiny_space` with invented accuracies of two seeds each, for tests.

    A full training has 9 epochs. With 3 and 1, accuracies are lower and noisier.
    """
    space, rng = Space.load("tiny_space"), random.Random(seed)
    worth = [[rng.gauss(0, 1) for _ in choice.options] for choice in space.choices]
    readings: dict[str, tuple[Reading, ...]] = {}
    for point in space.points():
        network = str(space.at(point))
        value = 0.5 + 0.05 * sum(options[option] for options, option in zip(worth, point, strict=True))
        own = tuple(Reading(value + rng.gauss(0, 0.002), 10.0 + sum(point)) for _ in range(2))
        readings.setdefault(network, own)
    shorter = {
        epochs: {
            network: (Reading(0.8 * own[0].accuracy + rng.gauss(0, noise), own[0].seconds * epochs / 9),)
            for network, own in readings.items()
        }
        for epochs, noise in ((3, 0.01), (1, 0.03))
    }
    return Recorded("made-up", space, {**ACCURACY_ALONE, "proxy.epochs": 9}, readings, shorter)
