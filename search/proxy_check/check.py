"""The check of proxies: networks are trained by proxies and by a longer training, and the rankings are compared."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.config import Config
from search.executors.jobs import Tally, done
from search.proxy.evaluate import Request, Result, evaluate
from search.proxy.proxy import Proxy, fidelity
from search.proxy_check.anchors import anchors
from search.proxy_check.variants import real, variations
from search.stats.rank_correlation import Agreement, agreement
from space import Architecture, UserError

Note = Callable[[str], None]
Key = tuple[str, str]
"""The key of a training: the network's canonical string, and the fidelity (proxy and data) with the seed."""
LONGER = "longer"
"""The name of the longer training, where a proxy would have its own name."""
_FIGURES = ("accuracy", "loss", "seconds")
"""The measurements of a training that the journal holds."""


@dataclass(frozen=True)
class Plan:
    """A planned check of proxies.

    proxies: the proxies to check by name; the first is the proxy of `config`. against: the settings of the longer
    training with which the proxies are compared; by default it trains the full network. journal: the file of finished
    trainings. digest: the digest of the data.
    """

    config: Config
    networks: tuple[Architecture, ...]
    proxies: Mapping[str, Proxy]
    against: Proxy
    journal: Path
    digest: str

    def key(self, network: Architecture, name: str) -> Key:
        """Return the key of a training in the journal. name: a name in `proxies`, or `LONGER`."""
        proxy = self.against if name == LONGER else self.proxies[name]
        return str(network), f"{fidelity(proxy, self.digest)}-{self.seed(name)}"

    def seed(self, name: str) -> int:
        """Return the seed of a training by its name (see `key`). The longer training has a seed of its own."""
        return self.config.settings.seed + (name == LONGER)


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check for one proxy, or for the longer training.

    seconds: the mean duration of a training. accuracies: the validation accuracy of each network. agreement,
    loss_agreement: the agreement of the ranking by accuracy, and by validation loss, with the ranking by
    accuracy of the longer training; None for the longer training itself.
    """

    name: str
    proxy: Proxy
    seconds: float
    accuracies: tuple[float, ...]
    agreement: Agreement | None
    loss_agreement: Agreement | None = None


def plan(config: Config, journal: Path, count: int, against: Mapping[str, Any], *, suggest: bool) -> Plan:
    """Return the check of the proxy of `config` on `count` networks of its space.

    against: settings of the longer training that replace those of `search.proxy_check.variants.real`. suggest: True
    to check variations of the proxy too. Raises `UserError` for fewer than 3 networks of the space within the limits,
    for settings that are not valid, and if the longer training is the proxy itself.
    """
    from search.settings.validation import validated

    config.executor.check()
    resolution = config.space.frames[0].resolution
    data = config.dataset()
    config = config.for_data(len(data.classes), data.channels)
    networks = anchors(config.space, config.limit, count, config.settings.seed)
    if len(networks) < 3:
        raise UserError(
            f"The space {config.space.name} has {len(networks)} networks within the limits; 3 are needed."
        )
    longer = validated("longer.", Proxy, {**real(config.proxy).model_dump(), **against})
    if longer == config.proxy:
        raise UserError("longer: this is the proxy itself; give longer.epochs=N.")
    proxies = dict(variations(config.proxy, resolution, len(data.train)))
    chosen = dict(list(proxies.items())[: None if suggest else 1])
    return Plan(config, networks, chosen, longer, journal, data.digest)


def check(planned: Plan, note: Note = lambda text: None) -> list[Checked]:
    """Carry out the trainings that the journal lacks, and return the results of the longer training and each proxy.

    The longer training comes first. Networks with a failed training are left out. Raises `UserError` if fewer than
    three are left. note: receives the progress in words.
    """
    trained = _trained(planned, note)
    names = (LONGER, *planned.proxies)
    failed = [n for n in planned.networks if any(trained[planned.key(n, name)] is None for name in names)]
    networks = [network for network in planned.networks if network not in failed]
    if len(networks) < 3:
        raise UserError(
            f"{len(failed)} of {len(planned.networks)} networks could not be trained; a check needs 3 that can."
        )
    checked: list[Checked] = []
    for name in names:
        figures = [trained[planned.key(network, name)] or {} for network in networks]
        accuracies, losses, seconds = (tuple(one[key] for one in figures) for key in _FIGURES)
        truth, seed = checked[0].accuracies if checked else None, planned.config.settings.seed
        checked.append(
            Checked(
                name=name,
                proxy=planned.proxies.get(name, planned.against),
                seconds=sum(seconds) / len(networks),
                accuracies=accuracies,
                agreement=agreement(accuracies, truth, seed) if truth else None,
                loss_agreement=agreement([-loss for loss in losses], truth, seed) if truth else None,
            )
        )
    return checked


def _trained(planned: Plan, note: Note) -> dict[Key, dict[str, float] | None]:
    """Run the trainings that the journal lacks, and return the measurements of all trainings.

    The keys are results of `Plan.key`. The value is None for a training that failed.
    """
    known, config = _read(planned.journal), planned.config
    # The longer trainings come first, since no figure means anything without them.
    wanted = [(network, name) for name in (LONGER, *planned.proxies) for network in planned.networks]
    missing = [pair for pair in wanted if planned.key(*pair) not in known]
    note(f"{len(wanted)} trainings, {len(wanted) - len(missing)} of them finished already: {planned.journal}")
    requests = [
        Request(
            number,
            1,
            str(network),
            planned.proxies.get(name, planned.against),
            config.data,
            planned.seed(name),
            threads=config.executor.threads,
        )
        for number, (network, name) in enumerate(missing)
    ]
    tally = Tally(len(wanted), len(missing))

    def finished(request: Request, result: Result) -> None:
        place, rest = tally.finished()
        network, name = missing[request.number]
        key, figures = planned.key(network, name), {k: getattr(result, k) for k in _FIGURES}
        known[key] = figures
        _append(planned.journal, key, figures)
        figures_text = f"accuracy {result.accuracy:.4f}, loss {result.loss:.4f}, {result.seconds:.0f} s"
        note(f"{place}: {name}, {figures_text}; {rest}")

    for request, reason in done(config.executor, requests, evaluate, finished):
        note(f"failed: {request.architecture}: {reason}")
        known[planned.key(*missing[request.number])] = None
    return known


def _read(path: Path) -> dict[Key, dict[str, float] | None]:
    """Return the measurements in the journal by the key of the training. Lines that cannot be read are ignored."""
    if not path.exists():
        return {}
    known: dict[Key, dict[str, float] | None] = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            network, key, figures = json.loads(line)
            known[network, key] = {name: float(figures[name]) for name in _FIGURES}
        except (ValueError, TypeError, KeyError):
            continue
    return known


def _append(path: Path, key: Key, figures: Mapping[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps([*key, figures]) + "\n")
        file.flush()
        os.fsync(file.fileno())
