"""A run on disk: `runs/NAME` with its configuration, its ledger and what it was made on. Read-only.

>>> run = open_run("effv2-20261122-101500")  # doctest: +SKIP
>>> run.best.terms.reward  # doctest: +SKIP
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from space import UserError, documents
from space.refusal import unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from search.config import Config
    from search.pruners.gate import RungGate
    from search.trials.finals import Agenda, Verdict
    from search.trials.trial import Trial

RUNS = Path("runs")
CONFIG, ENVIRONMENT, LEDGER, LOCK = "config.yaml", "environment.json", "trials.sqlite", "run.lock"
PROFILE = "profile.json"
"""Of the device that it was begun on, where step times are predicted."""
_SHOWN = 10
"""Trials in a notebook."""


class Trials(tuple["Trial", ...]):
    """All trials of a run by number. Called, they are a table: `run.trials()`."""

    __slots__ = ()

    def __call__(self) -> pd.DataFrame:
        """A row for each trial under the keys of `search export`, in typed columns; what is missing is NA."""
        from search.tables.formats import frame
        from search.tables.table import Table
        from search.trials.columns import TRIALS, row

        return frame(Table([row(trial) for trial in self], TRIALS))


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was when it was opened. seconds: worked on it so far. driver: who drives it, "" if nobody.

    ended: why nothing more was proposed, before as many trials as there were to be; "" if it did not come to that.
    closed: whether its latest driver came to the end of what it was asked, of the trials or of the budget; None for
    a run of a version that did not note it. fit: whether it is one of `scale fit`.
    trials: any sequence of them will do to make a run; it is kept as `Trials`.
    """

    path: Path
    config: Config
    trials: Trials
    seconds: float
    driver: str = ""
    ended: str = ""
    closed: bool | None = None
    fit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "trials", Trials(self.trials))

    @property
    def name(self) -> str:
        """What commands call it."""
        return called(self.path)

    @property
    def running(self) -> list[Trial]:
        """The trials at work, as far as the ledger knows: those of a driver that was killed are among them."""
        return [trial for trial in self.trials if trial.state == "running"]

    @property
    def rate(self) -> float | None:
        """Trials and trainings of the finals that end in a second, over the time worked; None before the first."""
        finished = self.finished + self._again
        return finished / self.seconds if finished and self.seconds else None

    @property
    def gate(self) -> RungGate | None:
        """What the first trials say of shorter trainings; None where none are asked."""
        return self.config.ladder.gate(self.trials)

    @property
    def trainings(self) -> float:
        """What the search has trained before its finals, in whole trainings; one that failed counts as one."""
        from search.pruners.rungs import completed_work

        return completed_work(self.config.ladder, self.trials)

    @property
    def left(self) -> float | None:
        """Seconds to the end, by the trainings that are missing or the budget; None if neither tells."""
        if self.over:
            return 0.0
        from search.pruners.rungs import remaining_work
        from search.runs.status import tried

        config, settings = self.config, self.config.settings
        ends = [max(0.0, settings.budget - self.seconds)] if settings.budget else []
        behind = self.trainings + self._again
        if self.ended and behind and self.seconds:
            going_on = sum(trial.state in ("waiting", "running") for trial in self.trials)
            ends.append((going_on + self.agenda.left) * self.seconds / behind)
        elif settings.trials and behind and self.seconds:
            ahead = remaining_work(config.ladder, self.trials, settings.trials)
            base = tried(config.base, self.trials)
            earlier = sum(trial.state == "imported" for trial in self.trials)
            again = self.agenda.left
            if ahead.work:
                again = config.finals.trainings(ahead.complete, base, earlier)
            ends.append((ahead.work + again) * self.seconds / behind)
        return min(ends, default=None)

    @property
    def searched(self) -> bool:
        """Whether as many trials are over as there are to be, or nothing more is proposed or begun."""
        if self.closed:
            return True
        if self.ended:
            return not {"running", "waiting"} & {trial.state for trial in self.trials}
        return self.config.settings.trials is not None and self.finished >= self.config.settings.trials

    @property
    def over(self) -> bool:
        """Whether nothing is left to go on with, unless more is asked for: see `closed`.

        Where that was not noted, the trials and the budget tell.
        """
        from search.runs.status import late

        if self.closed is not None:
            return self.closed
        states = {trial.state for trial in self.trials}
        states |= {training.state for trial in self.trials for training in trial.final_trainings}
        if "running" not in states and late(self.trials, self.config.settings.budget, self.seconds):
            return True
        return not {"running", "waiting"} & states and self.searched and not self.agenda.left

    @property
    def go_on(self) -> str:
        """The command that goes on with it."""
        return f"{'scale fit --resume' if self.fit else 'search resume'} {self.name}"

    @property
    def finished(self) -> int:
        """How many trials are over, be it after a shorter training."""
        return sum(trial.state in ("complete", "failed", "pruned") for trial in self.trials)

    @property
    def _again(self) -> int:
        """Trainings of the finals that are over."""
        return sum(
            training.over for trial in self.trials if not trial.origin for training in trial.final_trainings
        )

    @property
    def ranked(self) -> list[Trial]:
        """The complete trials, those of earlier runs among them, the highest reward in the search first."""
        from search.trials.trial import ranked

        return ranked(self.trials)

    @property
    def agenda(self) -> Agenda:
        """Which trials the finals are about, as far as the search is."""
        from search.trials.finals import agenda

        return agenda(self.trials, self.config.finals, self.config.settings.seed, self.config.base)

    @property
    def verdict(self) -> Verdict | None:
        """What the finals say; None where there are none, or where they are not over."""
        from search.trials.finals import verdict

        return verdict(self.trials, self.config.finals, self.config.settings.seed, self.config.base)

    @property
    def best(self) -> Trial:
        """The winner of the finals; where there are none, or they are not over, the trial with the highest reward.

        Raises `UserError` if none is complete.
        """
        if not self.ranked:
            raise UserError(f"The run {self.name} has no complete trial yet.")
        said = self.verdict
        return said.winner if said else self.ranked[0]

    def trial(self, number: int) -> Trial:
        """Trial `number`. Raises `UserError` if there is none."""
        if not 0 <= number < len(self.trials):
            last = f"0 to {len(self.trials) - 1}" if self.trials else "none yet"
            raise UserError(f"The run {self.name} has no trial {number}; permitted: {last}.")
        return self.trials[number]

    def _repr_html_(self) -> str:
        """What a notebook shows: how far it is, and its best trials."""
        from search.tables.formats import html_table
        from search.tables.selection import filled
        from search.tables.table import Table
        from search.trials.columns import BRIEF, TRIALS, row

        states = [trial.state for trial in self.trials]
        counted = (
            ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "no trial yet"
        )
        config = self.config
        caption = f"Run {self.name}: space {config.space.name}, data {config.data.source}; {counted}"
        rows = [row(trial) for trial in self.ranked[:_SHOWN]]
        columns = filled(rows, [c for c in TRIALS if c.key in (*BRIEF, "architecture")])
        return html_table(Table(rows, columns, caption=caption))


def open_run(name: str | Path) -> Run:
    """The run called `name`, or at that path. Raises `UserError` if there is none, naming the nearest."""
    # Imported here: the names of runs, which a shell completes, need none of it.
    from search.runs.lock import driver_of
    from search.trials.ledger import ENDED, OVER, Ledger
    from search.trials.trial import trial_from_record

    path = find(str(name))
    document = documents.read("run", str(path / CONFIG))
    config, fit = _configured(document, path), "fit" in document
    if not (path / LEDGER).exists():  # Its driver ended before it had one.
        return Run(path, config, Trials(), 0.0, driver_of(path / LOCK), closed=False, fit=fit)
    ledger = Ledger(path / LEDGER, write=False)
    try:
        records = ledger.records(ledger.noted("fidelity") or "")
        seconds = float(ledger.noted("seconds") or 0)
        ended, noted = ledger.noted(ENDED) or "", ledger.noted(OVER)
    finally:
        ledger.close()
    closed = None if noted is None else bool(noted)
    reference = config.reference
    trials = tuple(trial_from_record(record, config.reward, reference, config.forecast) for record in records)
    return Run(path, config, Trials(trials), seconds, driver_of(path / LOCK), ended, closed, fit)


def config_of(path: Path) -> Config:
    """The configuration of the run at `path`, with the profile that it was begun with."""
    return _configured(documents.read("run", str(path / CONFIG)), path)


def _configured(document: documents.Document, path: Path) -> Config:
    from search.config import Config

    config = Config.of_document(document)
    if config.settings.step != "profile":
        return config
    from search.profiles.profile import Profile

    return config.with_profile(Profile.load(path / PROFILE))


def find(name: str) -> Path:
    """The folder of a run: `NAME` in ./runs, or a path to it."""
    for path in (RUNS / name, Path(name)):
        with suppress(OSError):  # A name that is too long, or a folder that is not ours to look into.
            if (path / CONFIG).is_file():
                return path
    raise (
        unknown_name("run", name, runs())
        if runs()
        else UserError(f"There is no run {name!r}: {RUNS}/ has none.")
    )


def called(path: Path) -> str:
    """What commands call the run at `path`: its name if it is in ./runs, else the path."""
    return path.name if path.parent == RUNS else str(path)


def runs() -> tuple[str, ...]:
    """The names of the runs in ./runs, the latest last."""
    # What begins with a dot is a draft of one.
    found = [path.parent for path in RUNS.glob(f"[!.]*/{CONFIG}")]
    return tuple(path.name for path in sorted(found, key=lambda path: path.stat().st_mtime))


def split(name: str) -> tuple[str, int | None]:
    """`"RUN:12"` as ("RUN", 12), `"RUN"` as ("RUN", None)."""
    run, colon, number = name.rpartition(":")
    return (run, int(number)) if colon and re.fullmatch("[0-9]{1,18}", number) else (name, None)
