"""The rungs of a search, and who is trained at which next. All of it follows from the trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.pruners.gate import Gate
from search.stats.pareto import ordered
from search.trials.trial import Trial

HASTE = 1.23
"""How many go on for one that would if all were known: who goes on early may not be among the best later. Of 30 to 99
networks on three rungs by 3, ranked without error, 0.40 to 0.41 went on from each."""
OUTSIDE = ("duplicate", "imported")
"""States of trials that this search did not train."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The trainings by which networks are compared.

    epochs: of each rung, ascending; the last is the whole training. eta: one in so many goes on. brackets: at how
    many rungs networks begin. gate: how many run all; least: the correlation from which on a rung is used.
    """

    epochs: tuple[int, ...]
    eta: int = 3
    brackets: int = 1
    gate: int = 0
    least: float = 0.7

    @property
    def last(self) -> int:
        """Epochs of the whole training."""
        return self.epochs[-1]

    def seed(self, seed: int, epochs: int) -> int:
        """Of the training with so many epochs of a trial with `seed`: its own, at lower rungs those before it."""
        below = len(self.epochs) - 1 - self.epochs.index(epochs)
        return (seed - below) % 2**32

    def judging(self, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that run all rungs: the first."""
        if len(self.epochs) == 1 or not self.gate:
            return []
        own: list[Trial] = []
        for trial in trials:
            if trial.state not in OUTSIDE:
                own.append(trial)
                if len(own) == self.gate:
                    break
        return own

    def gated(self, trials: Sequence[Trial], several: bool = False) -> Gate | None:
        """Which rungs the first trials let be used; None where they are not asked.

        several: accuracy and costs are optimised side by side.
        """
        if len(self.epochs) == 1 or not self.gate:
            return None
        return Gate.of(self.epochs, self.judging(trials), self.gate, self.least, several)

    def used(self, trials: Sequence[Trial], several: bool = False) -> tuple[int, ...]:
        """The epochs of the rungs at which networks are compared now: until the gate has decided, the last alone."""
        gate = self.gated(trials, several)
        return gate.used if gate else self.epochs

    def next(self, trial: Trial, trials: Sequence[Trial], several: bool = False) -> int:
        """For how many epochs `trial`, one of `trials` that is not complete, is trained next."""
        judges = any(trial.number == one.number for one in self.judging(trials))
        path = self.epochs if judges else self.used(trials, several)
        if trial.rungs:
            return next(epochs for epochs in path if epochs > trial.rungs[-1].result.epochs)
        return path[0] if judges else path[self._bracket(trial.number, len(path))]

    def further(self, trials: Sequence[Trial], several: bool = False) -> Trial | None:
        """Which of the trials that rest at a rung is to be trained further; None: none has earned it.

        Of those that do, one at the highest rung, the best there.
        """
        if len(self.epochs) == 1:
            return None
        resting = {trial.number for trial in trials if trial.state == "pruned"}
        if not resting:
            return None
        for trial in self.judging(trials):
            if trial.number in resting:
                return trial
        for lower in reversed(self.used(trials, several)[:-1]):
            for field in self._fields(lower, trials, several):
                best = ranked(field, lower, several)[: self.quota(len(field))]
                for trial in best:
                    if trial.number in resting and trial.rungs[-1].result.epochs == lower:
                        return trial
        return None

    def quota(self, finished: int) -> int:
        """How many of so many networks at a rung may go on."""
        return finished // self.eta

    def sizes(self, count: int) -> list[int]:
        """In proportion to what numbers networks begin at each of `count` rungs, or of the lowest of them.

        They are Hyperband's: of three rungs by 3, of 17 networks 9 begin at the lowest, 5 at the next, 3 at the last.
        """
        count = min(count, self.brackets)
        return [-(-count * self.eta ** (count - 1 - place) // (count - place)) for place in range(count)]

    def _bracket(self, number: int, count: int) -> int:
        """At which of `count` rungs the network of a trial begins."""
        sizes = self.sizes(count)
        place = number % sum(sizes)
        for bracket, size in enumerate(sizes):
            if place < size:
                return bracket
            place -= size
        raise AssertionError

    def _fields(self, epochs: int, trials: Sequence[Trial], several: bool) -> list[list[Trial]]:
        """Those that compete at a rung: networks that have finished it and began at one and the same."""
        used = self.used(trials, several)
        fields: dict[int, list[Trial]] = {}
        for trial in trials:
            done = [rung.result.epochs for rung in trial.rungs if rung.result.epochs in used]
            if epochs in done:
                fields.setdefault(done[0], []).append(trial)
        return list(fields.values())


def ranked(trials: Sequence[Trial], epochs: int, several: bool) -> list[Trial]:
    """Trials that have finished the rung of so many epochs, the best first: by its reward, or by front."""
    found = [(trial, rung.terms) for trial in trials if (rung := trial.rung(epochs))]
    if several:
        return [found[place][0] for place in ordered([terms.objectives for _, terms in found])]
    return [trial for trial, _ in sorted(found, key=lambda pair: -pair[1].reward)]


def done(ladder: Ladder, trials: Sequence[Trial]) -> float:
    """What this search has trained, in whole trainings; one that failed counts as one."""
    own = [trial for trial in trials if trial.state not in OUTSIDE]
    whole = sum(trial.state in ("complete", "failed") for trial in own)
    return whole + sum(rung.result.epochs for trial in own for rung in trial.rungs) / ladder.last


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a search has before it. work: in whole trainings; complete: trials that will be so at its end."""

    work: float
    complete: int


def outlook(ladder: Ladder, trials: Sequence[Trial], total: int, several: bool = False) -> Outlook:
    """Of a search of `total` networks with these trials. What rests at a rung is not expected to go on.

    While the gate is undecided, no rung is expected to save anything.
    """
    own = [trial for trial in trials if trial.state not in OUTSIDE]
    over = sum(trial.state in ("complete", "failed", "pruned") for trial in own)
    if len(ladder.epochs) == 1:
        return Outlook(max(0, total - over), total)
    used = ladder.used(trials, several)
    judges = {trial.number for trial in ladder.judging(trials)}
    share, whole = _typical(ladder, used)
    work = 0.0
    climbing = [trial for trial in own if trial.state not in ("complete", "failed")]
    for trial in climbing:
        done = trial.rungs[-1].result.epochs if trial.rungs else 0
        if trial.number in judges:
            work += sum(epochs for epochs in ladder.epochs if epochs > done) / ladder.last
        elif trial.state != "pruned":
            work += ladder.next(trial, trials, several) / ladder.last if done else share
    unborn = max(0, total - len(own))
    first = min(unborn, max(0, ladder.gate - len(own)))
    work += first * sum(ladder.epochs) / ladder.last + (unborn - first) * share
    complete = sum(trial.state == "complete" for trial in own) + first
    complete += sum(trial.number in judges for trial in climbing)
    return Outlook(work, complete + round((unborn - first) * whole))


def _typical(ladder: Ladder, used: Sequence[int]) -> tuple[float, float]:
    """What a network costs, in whole trainings, and how likely it gets the whole one, if these rungs are used."""
    on = HASTE / ladder.eta
    work = whole = 0.0
    sizes = ladder.sizes(len(used))
    for begins, size in enumerate(sizes):
        climbs = [epochs * on**place for place, epochs in enumerate(used[begins:])]
        work += size * sum(climbs) / ladder.last
        whole += size * on ** (len(climbs) - 1)
    return work / sum(sizes), whole / sum(sizes)
