"""The warm start of a search, which knows the trials of earlier runs from its beginning (`from=RUN`).

Accuracies are only comparable with the same space, proxy and data, so other runs are refused. Rewards are not
imported but computed anew, so the objective may differ.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.config import Config
from search.runs.names import called, find
from search.runs.run import LEDGER, config_of, ledger_file
from search.trials.ledger import Ledger
from search.trials.records import Record
from search.trials.trial import RANKED, trial_from_record
from space import UserError


def imported_trials(config: Config, fidelity: str) -> tuple[Record, ...]:
    """Return the trials that the search `config` starts from, each network once, numbered from 0.

    fidelity: the fidelity of the search, see `search.proxy.proxy.fidelity`. Raises `UserError` for an unknown run,
    and for a run of another space, proxy or data, with the differences.
    """
    records: dict[str, Record] = {}
    for name in _names(config.settings.warm_start):
        for record in _taken(name, config, fidelity):
            records.setdefault(record.digest, record)
    return tuple(replace(record, number=number) for number, record in enumerate(records.values()))


def permitted(records: tuple[Record, ...], config: Config) -> tuple[Record, ...]:
    """Return the trials in `records` that keep the limits of the search `config`, numbered from 0.

    Raises `UserError` if a trial lacks a step time that counts.
    """
    within: list[Record] = []
    for record in records:
        try:
            trial = trial_from_record(
                record, config.reward, config.reference, config.forecast, config.latencies
            )
        except ValueError as error:
            raise UserError(
                f"from={config.settings.warm_start}: {record.reason}: {error}; step=profile predicts it, and with "
                "reward.w=0 it does not count."
            ) from None
        if not config.exceeded(trial.architecture):
            within.append(replace(record, number=len(within)))
    return tuple(within)


def ledger_of(records: tuple[Record, ...], fidelity: str) -> bytes:
    """Return the content of a ledger with these trials."""
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
    ledger = Ledger(ledger_file(path), write=False)
    try:
        if ledger.noted("fidelity") != fidelity:
            raise UserError(
                f"from={name}: its data differ, or this version prepares them differently; accuracies would not "
                "be comparable."
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
            # The earlier run may have measured latencies on another device.
            result = replace(record.result, latency_ms=None)
            yield replace(
                record, state="imported", reason=origin, result=result, final_trainings=final_trainings
            )


def _compare(name: str, before: Config, config: Config) -> None:
    """Raise `UserError` if the trials of the two searches would not be comparable."""
    same = {"device": None, "graph": None}
    parts = {
        "space": (before.space.document, config.space.document),
        "proxy": (before.proxy.model_dump() | same, config.proxy.model_dump() | same),
        "data": ({"flip": before.data.flip}, {"flip": config.data.flip}),
    }
    predicted = before.forecast or config.settings.step not in ("auto", "measured")
    if "step" in config.reward.costs and not predicted:
        parts["reward"] = ({"reference": str(before.reference)}, {"reference": str(config.reference)})
    for group, (theirs, ours) in parts.items():
        if different := list(_differences(theirs, ours, group)):
            more = f" and {len(different) - 3} more" if len(different) > 3 else ""
            raise UserError(
                f"from={name}: its trials are not comparable; different: {'; '.join(different[:3])}{more}."
            )


def _differences(theirs: Any, ours: Any, place: str) -> Iterator[str]:
    """Yield the differences of two documents, such as "proxy.epochs (4, here 3)"."""
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
