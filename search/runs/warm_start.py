"""What earlier runs found out, for a search that starts from it: `from=RUN`.

Accuracies compare where space, proxy and data are the same, so only such runs are taken. Rewards are none of it:
they follow from accuracy and costs, and a new objective scores old trials at no training cost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.config import Config
from search.runs.run import LEDGER, called, config_of, find
from search.trials.ledger import Ledger, Record
from search.trials.trial import RANKED, trial_from_record
from space import UserError


def imported_trials(config: Config, fidelity: str) -> tuple[Record, ...]:
    """The trials that the search `config` starts from, each network once, numbered from 0; () where it names no run.

    fidelity: of the search, see `search.proxy.proxy.fidelity`. Raises `UserError` for a run that there is not, and for one
    that was of another space, proxy or data, naming what differs.
    """
    found: dict[str, Record] = {}
    for name in _names(config.settings.warm_start):
        for record in _taken(name, config, fidelity):
            found.setdefault(record.digest, record)
    return tuple(replace(record, number=number) for number, record in enumerate(found.values()))


def permitted(records: tuple[Record, ...], config: Config) -> tuple[Record, ...]:
    """Those of `records` that keep the limits of the search `config`, numbered from 0.

    Raises `UserError` where one lacks a step time that counts.
    """
    kept: list[Record] = []
    for record in records:
        try:
            trial = trial_from_record(record, config.reward, config.reference, config.forecast)
        except ValueError as error:
            raise UserError(
                f"from={config.settings.warm_start}: {record.reason}: {error}; step=profile predicts it, and with "
                "reward.w=0 it does not count."
            ) from None
        if not config.exceeded(trial.architecture):
            kept.append(replace(record, number=len(kept)))
    return tuple(kept)


def ledger_of(records: tuple[Record, ...], fidelity: str) -> bytes:
    """The content of a ledger with these trials in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LEDGER
        ledger = Ledger(path)
        ledger.note("fidelity", fidelity)
        ledger.adopt(records, fidelity)
        ledger.close()
        return path.read_bytes()


def _names(text: str | None) -> Iterator[str]:
    for name in (text or "").split(","):
        if name.strip():
            yield name.strip()


def _taken(name: str, config: Config, fidelity: str) -> Iterator[Record]:
    path = find(name)
    before = config_of(path)
    _compare(name, before, config)
    if not (path / LEDGER).exists():
        return
    ledger = Ledger(path / LEDGER, write=False)
    try:
        if ledger.noted("fidelity") != fidelity:
            raise UserError(
                f"from={name}: its data differ, or what this version makes of them; accuracies would not compare."
            )
        records = ledger.records(fidelity)
    finally:
        ledger.close()
    for record in records:
        if record.state in RANKED and record.result:
            origin = record.reason if record.state == "imported" else f"{called(path)}:{record.number}"
            final_trainings = tuple(
                training for training in record.final_trainings if training.state == "complete"
            )
            yield replace(record, state="imported", reason=origin, final_trainings=final_trainings)


def _compare(name: str, before: Config, config: Config) -> None:
    """Raises `UserError` where trials of the two would not compare."""
    device = {"device": None}
    parts = {
        "space": (before.space.document, config.space.document),
        "proxy": (before.proxy.model_dump() | device, config.proxy.model_dump() | device),
    }
    if "step" in config.reward.costs and not (before.forecast or config.settings.step == "profile"):
        parts["reward"] = ({"reference": str(before.reference)}, {"reference": str(config.reference)})
    for group, (theirs, ours) in parts.items():
        if different := list(_differences(theirs, ours, group)):
            more = f" and {len(different) - 3} more" if len(different) > 3 else ""
            raise UserError(
                f"from={name}: its trials would not compare; different: {'; '.join(different[:3])}{more}."
            )


def _differences(theirs: Any, ours: Any, place: str) -> Iterator[str]:
    """Where two documents differ, as "proxy.epochs (4, here 3)"."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for key in dict.fromkeys((*theirs, *ours)):
            yield from _differences(theirs.get(key), ours.get(key), f"{place}.{key}")
    elif _stages(theirs) and _stages(ours) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differences(one, other, f"{place}.{number}")
    elif theirs != ours:
        yield f"{place} ({theirs}, here {ours})"


def _stages(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
