"""Train anchors by one or more proxies and by a longer training, and compare the rankings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.config import Config
from search.executors.jobs import done
from search.proxy.evaluate import Request, Result, evaluate
from search.proxy.proxy import Proxy, fidelity
from search.proxy_check.anchors import anchors
from search.proxy_check.variants import longer, variations
from search.stats.rank_correlation import Agreement, agreement
from space import Architecture, UserError

Note = Callable[[str], None]
Key = tuple[str, str]
"""A network's canonical string, and a fidelity."""
LONGER = "longer"


@dataclass(frozen=True)
class Plan:
    """A check. proxies: those in question by name, the given one first. against: the longer training. journal: of
    finished trainings."""

    config: Config
    networks: tuple[Architecture, ...]
    proxies: Mapping[str, Proxy]
    against: Proxy
    journal: Path


@dataclass(frozen=True, slots=True)
class Checked:
    """A proxy. seconds: of one training, in the mean. agreement: with the longer training, whose own is None."""

    name: str
    proxy: Proxy
    seconds: float
    accuracies: tuple[float, ...]
    agreement: Agreement | None


def plan(config: Config, journal: Path, count: int, against: Mapping[str, Any], *, suggest: bool) -> Plan:
    """The check of the proxy of `config` on `count` anchors of its space.

    against: settings of the longer training; what is not among them is the proxy's, with four times its epochs and
    all images. suggest: whether other proxies are tried beside it.
    """
    from search.settings.validation import validated

    data = config.dataset()
    config = config.for_data(len(data.classes), data.channels)
    networks = anchors(config.space, config.limit, count, config.settings.seed)
    if len(networks) < 3:
        raise UserError(
            f"The space {config.space.name} has {len(networks)} networks within limits; 3 are needed."
        )
    dearer = validated("longer.", Proxy, {**longer(config.proxy).model_dump(), **against})
    if dearer == config.proxy:
        raise UserError("longer: that is the proxy itself; give longer.epochs=N.")
    tried = dict(variations(config.proxy, config.space.frames[0].resolution, len(data.train)))
    given = dict(list(tried.items())[: None if suggest else 1])
    return Plan(config, networks, given, dearer, journal)


def check(planned: Plan, note: Note = lambda text: None) -> list[Checked]:
    """Trains what the journal lacks. Returns the longer training, then the proxies."""
    known = _trained(planned, note)
    keys = {name: _fidelity(planned, proxy) for name, proxy in _all(planned).items()}
    failed = [n for n in planned.networks if any(known[str(n), key] is None for key in keys.values())]
    kept = [network for network in planned.networks if network not in failed]
    if len(kept) < 3:
        raise UserError(f"{len(failed)} of {len(planned.networks)} anchors could not be trained.")
    found: list[Checked] = []
    for name, proxy in _all(planned).items():
        results = [known[str(network), keys[name]] for network in kept]
        accuracies = tuple(result["accuracy"] for result in results if result)
        seconds = sum(result["seconds"] for result in results if result) / len(kept)
        agrees = agreement(accuracies, found[0].accuracies, planned.config.settings.seed) if found else None
        found.append(Checked(name, proxy, seconds, accuracies, agrees))
    return found


def _trained(planned: Plan, note: Note) -> dict[Key, dict[str, float] | None]:
    """What is known of every network by every proxy, None where its training failed."""
    known = _read(planned.journal)
    config = planned.config
    wanted = [
        ((str(network), _fidelity(planned, proxy)), network, proxy)
        for name, proxy in _all(planned).items()
        for network in planned.networks
    ]
    missing = [(key, network, proxy) for key, network, proxy in wanted if key not in known]
    note(f"{len(wanted)} trainings, {len(wanted) - len(missing)} of them finished already: {planned.journal}")
    requests = [
        Request(number, 1, key[0], proxy, config.data, config.settings.seed, threads=config.executor.threads)
        for number, (key, _, proxy) in enumerate(missing)
    ]
    keys = {request.number: key for request, (key, _, _) in zip(requests, missing, strict=True)}
    ended = len(wanted) - len(missing)

    def finished(request: Request, result: Result) -> None:
        nonlocal ended
        ended += 1
        told = {"accuracy": result.accuracy, "seconds": result.seconds}
        known[keys[request.number]] = told
        _append(planned.journal, keys[request.number], told)
        note(
            f"{ended} of {len(wanted)}: {result.epochs} epochs, accuracy {result.accuracy:.4f}, "
            f"{result.seconds:.0f} s"
        )

    for request, reason in done(config.executor, requests, evaluate, finished):
        note(f"failed: {request.architecture}: {reason}")
        known[keys[request.number]] = None
    return known


def _all(planned: Plan) -> dict[str, Proxy]:
    """The longer training first: without it no other tells anything."""
    return {LONGER: planned.against, **planned.proxies}


def _fidelity(planned: Plan, proxy: Proxy) -> str:
    """Of a training: with its seed, and the data at the resolution that the check was planned with."""
    config = planned.config
    data = config.dataset()
    return f"{fidelity(proxy, data.digest)}-{config.settings.seed}"


def _read(path: Path) -> dict[Key, dict[str, float] | None]:
    """The journal. A last line that was cut off by the end of a process does not count."""
    if not path.exists():
        return {}
    found: dict[Key, dict[str, float] | None] = {}
    for line in path.read_text("utf-8").splitlines():
        try:
            network, key, told = json.loads(line)
        except ValueError:
            continue
        found[network, key] = told
    return found


def _append(path: Path, key: Key, told: Mapping[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps([*key, told]) + "\n")
        file.flush()
        os.fsync(file.fileno())
