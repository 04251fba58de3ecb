"""A run on disk: the folder `runs/NAME` with its configuration, its ledger and its environment.

This module only reads these files.

>>> run = open_run("effv2-20261122-101500")  # doctest: +SKIP
>>> run.best.terms.reward  # doctest: +SKIP
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.runs.names import ANSWERS, CONFIG, called, find
from space import UserError, documents
from space.refusal import unknown_name

if TYPE_CHECKING:
    from search.config import Config
    from search.pruners.gate import RungGate
    from search.tables.table import Table
    from search.trials.answers import Answers
    from search.trials.finals import Agenda, Verdict
    from search.trials.trial import Trial

ENVIRONMENT, LEDGER, LOCK = "environment.json", "trials.sqlite", "run.lock"
PARENT = "parent.safetensors"
"""The name of the file with the weights that the networks of a run inherit."""
PROFILE = "profile.json"
"""The name of the file with the profile that predicts step times, in runs whose step times are predicted."""
LATENCIES = "latencies.json"
"""The name of the file with the profile that predicts latencies, in runs whose reward or limits use latencies."""


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """The state of a run at the moment when it was opened.

    seconds: the seconds worked on it so far. driver: the process that drives it, "" if there is none. ended: why the
    search stopped proposing before its last trial, "" if it did not. closed: True if its latest driver reached the
    end of the trials or of the budget. fit: True if it belongs to `scale fit`. trials: all trials, by number.
    """

    path: Path
    config: Config
    trials: tuple[Trial, ...]
    seconds: float
    driver: str = ""
    ended: str = ""
    closed: bool = False
    fit: bool = False

    def __repr__(self) -> str:
        best = f", best: {self.ranked[0]!r}" if self.ranked else ""
        return f"<Run {self.name}: {self.counts}{best}>"

    @property
    def name(self) -> str:
        """The name that commands use."""
        return called(self.path)

    @property
    def running(self) -> list[Trial]:
        """The trials that run according to the ledger, including those of a driver that was killed."""
        return [trial for trial in self.trials if trial.state == "running"]

    @property
    def rate(self) -> float | None:
        """The number of trials and final trainings per second of work, None before the first is over."""
        finished = self.finished + self._finished_finals
        return finished / self.seconds if finished and self.seconds else None

    @property
    def gate(self) -> RungGate | None:
        """The decision of the pilot trials about shorter trainings, None without pilot trials."""
        return self.config.ladder.gate(self.trials)

    @property
    def trainings(self) -> float:
        """The amount of training before the finals, in full trainings. A failed training counts as a full one."""
        from search.pruners.rungs import completed_work

        return completed_work(self.config.ladder, self.trials)

    @property
    def left(self) -> float | None:
        """The estimated seconds to the end: 0.0 if the run is over, None if unknown."""
        from search.runs.status import seconds_left

        if self.over:
            return 0.0
        return seconds_left(
            self.config, self.trials, self.seconds, self.config.settings.trials, bool(self.ended)
        )

    @property
    def searched(self) -> bool:
        """True if the search is over, apart from its finals: no trial runs or waits, and none will be proposed."""
        if self.closed:
            return True
        if self.ended:
            return not {"running", "waiting"} & {trial.state for trial in self.trials}
        return self.config.settings.trials is not None and self.finished >= self.config.settings.trials

    @property
    def over(self) -> bool:
        """True if nothing is left to do, unless a resume extends the run."""
        return self.closed

    @property
    def go_on(self) -> str:
        """The command that continues the run, for a shell."""
        return f"{'scale fit --resume' if self.fit else 'search resume'} {shlex.quote(self.name)}"

    @property
    def finished(self) -> int:
        """The number of its own trials that are over: complete, failed or only trained for a lower rung."""
        return sum(trial.state in ("complete", "failed", "pruned") for trial in self.trials)

    @property
    def _finished_finals(self) -> int:
        """The number of final trainings that are over."""
        return sum(
            training.over for trial in self.trials if not trial.origin for training in trial.final_trainings
        )

    @property
    def ranked(self) -> list[Trial]:
        """The complete and the imported trials, the highest reward of the search first."""
        from search.trials.trial import ranked

        return ranked(self.trials)

    @property
    def agenda(self) -> Agenda:
        """The finals that follow from the trials so far: the finalists and their trainings."""
        from search.trials.finals import agenda

        config = self.config
        return agenda(self.trials, config.finals, config.settings.seed, config.base, config.limit)

    @property
    def verdict(self) -> Verdict | None:
        """The result of the finals; None if there are none, if they are not over or if all their trainings failed."""
        from search.trials.finals import verdict

        config = self.config
        return verdict(self.trials, config.finals, config.settings.seed, config.base, config.limit)

    @property
    def best(self) -> Trial:
        """The winner of the finals; without finished finals, the trial with the highest reward.

        A trial whose measured latency is too high (`search.trials.answers.exceeds`) wins only if no other is left.
        Raises `UserError` if no trial is complete.
        """
        return self.answers.best

    @property
    def answers(self) -> Answers:
        """The answers of the run: its best, its most accurate and its cheapest trial.

        Raises `UserError` if no trial is complete.
        """
        from search.trials.answers import answers, eligible

        if not self.ranked:
            raise UserError(f"The run {self.name} has no complete trial yet.")
        verdict, limits = self.verdict, self.config.limit
        candidates = eligible(verdict.standing if verdict else (), self.ranked, limits)
        return answers(
            candidates,
            candidates[0],
            self.config.reward,
            self.config.limit,
            self.effective_images,
        )

    @property
    def validation_images(self) -> int | None:
        """The number of images that the accuracy of a trial is measured on, None if the run did not note it."""
        images = self._noted_images("validation")
        return None if images is None else int(min(images, self.config.proxy.validation_images or images))

    @property
    def effective_images(self) -> float | None:
        """The number of images that decides the uncertainty of accuracies; None if the run did not note it.

        See `search.data.Dataset.effective_images`.
        """
        used, images = self.validation_images, self._noted_images("validation")
        if not used or not images or not self.config.data.balance:
            return used
        effective = self._noted_images("effective_validation")
        # The images that are used have the same class proportions as all images.
        return effective and effective * used / images

    def _noted_images(self, key: str) -> float | None:
        """Return a number of images that the run noted at its start; None without one."""
        try:
            return float(noted(self.path, key))
        except (ValueError, TypeError):
            return None

    def pick(self, which: int | str | None) -> Trial:
        """Return a trial by number or by the name of an answer ("best", "most-accurate", "cheapest"); None: the best.

        >>> open_run("photos").pick("cheapest").params
        3622

        Raises `UserError` if there is none.
        """
        if isinstance(which, int):
            return self.trial(which)
        name = (which or "best").replace("_", "-")
        if name not in ANSWERS:
            raise unknown_name(f"answer of the run {self.name}", which, ANSWERS, ["the number of a trial"])
        answer: Trial = getattr(self.answers, name.replace("-", "_"))
        return answer

    def trial(self, number: int) -> Trial:
        """Return trial `number`. Raises `UserError` if there is none.

        >>> open_run("photos").trial(2).state
        'complete'
        """
        if not 0 <= number < len(self.trials):
            last = f"0 to {len(self.trials) - 1}" if self.trials else "none yet"
            raise UserError(f"The run {self.name} has no trial {number}; permitted: {last}.")
        return self.trials[number]

    @property
    def table(self) -> Table:
        """A table of all trials, as `search export` writes it."""
        from search.trials.columns import trials_table

        return trials_table(self.trials, self.config.space, self.title)

    @property
    def title(self) -> str:
        """The name of the run with its space and its data."""
        return f"Run {self.name}: space {self.config.space.name}, data {self.config.data.source}"

    @property
    def counts(self) -> str:
        """The numbers of trials in each state, in words."""
        states = [trial.state for trial in self.trials]
        return (
            ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "no trial yet"
        )


def noted(path: Path, key: str) -> Any:
    """Return a value that the run at `path` noted about its data at its start; None if there is none.

    key: the name of the value, one that `search.runs.environment.environment` writes under "data".
    """
    try:
        return json.loads((path / ENVIRONMENT).read_text("utf-8"))["data"][key]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def open_run(name: str | Path) -> Run:
    """Return the run called `name`, or at that path, as it is now.

    Raises `UserError` with the nearest name if there is none, and for a run without its ledger.
    """
    # Imported here: shell completion only needs the names of runs.
    from search.runs.lock import driver_of
    from search.trials.ledger import ENDED, OVER, Ledger
    from search.trials.trial import trial_from_record

    path = find(str(name))
    document = documents.read("run", str(path / CONFIG))
    config, fit = _configured(document, path), "fit" in document
    ledger = Ledger(ledger_file(path), write=False)
    try:
        records = ledger.records(ledger.noted("fidelity") or "")
        seconds = float(ledger.noted("seconds") or 0)
        ended, closed = ledger.noted(ENDED) or "", bool(ledger.noted(OVER))
    finally:
        ledger.close()
    reference = config.reference
    trials = tuple(
        trial_from_record(record, config.reward, reference, config.forecast, config.latencies)
        for record in records
    )
    return Run(path, config, trials, seconds, driver_of(path / LOCK), ended, closed, fit)


def ledger_file(path: Path) -> Path:
    """Return the ledger of the run at `path`. Raises `UserError` if it is missing: every run begins with one."""
    if not (path / LEDGER).exists():
        raise UserError(f"{path / LEDGER} is missing, and with it all trials of the run; copy it back.")
    return path / LEDGER


def config_of(path: Path) -> Config:
    """Return the configuration of the run at `path`, with the profiles that the run began with."""
    return _configured(documents.read("run", str(path / CONFIG)), path)


def _configured(document: documents.Document, path: Path) -> Config:
    from search.config import Config
    from search.profiles.profile import Profile

    config = Config.of_document(document)
    if config.settings.step == "profile":
        config = config.with_profile(Profile.load(path / PROFILE))
    latencies = path / LATENCIES
    return config.with_profile(Profile.load(latencies)) if latencies.exists() else config
