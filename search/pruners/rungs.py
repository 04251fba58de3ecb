"""The rungs of a search, and the choice of the next training and its rung. Both follow from the trials alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.pruners.gate import RungGate
from search.stats.pareto import ordered
from search.trials.trial import Trial

PROMOTION_INFLATION = 1.23
"""The number of promoted networks relative to the number if all results were known at once. It is above 1, since some
networks that are promoted early are not among the best later. In simulations of 30 to 99 networks on three rungs with
eta 3, ranked without error, 0.40 to 0.41 of each rung's networks were promoted instead of 0.33."""
NOT_TRAINED_HERE = ("duplicate", "imported")
"""The states of trials that this search did not train."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of a search: trainings of ascending length by which its networks are compared.

    epochs: the epochs of each rung, ascending; the last rung is the full training. eta: the best 1/eta of a rung's
    networks go on to the next. pilots: the number of networks trained at all rungs; 0: all rungs are used without a
    check. min_correlation: a rung is used if the lower confidence bound of its rank correlation with the full
    training is at least this. multi_objective: True to rank by Pareto fronts instead of the reward.
    """

    epochs: tuple[int, ...]
    eta: int = 3
    pilots: int = 0
    min_correlation: float = 0.7
    multi_objective: bool = False

    @property
    def last(self) -> int:
        """The epochs of the full training."""
        return self.epochs[-1]

    def seed(self, seed: int, epochs: int) -> int:
        """Return the seed of a training at the rung of `epochs`: `seed` at the last rung, seed - 1, ... below it."""
        below = len(self.epochs) - 1 - self.epochs.index(epochs)
        return (seed - below) % 2**32

    def pilot_trials(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the first trials of the search, which are trained at all rungs; [] if the rungs are not checked."""
        if len(self.epochs) == 1 or not self.pilots:
            return []
        own: list[Trial] = []
        for trial in trials:
            if trial.state not in NOT_TRAINED_HERE:
                own.append(trial)
                if len(own) == self.pilots:
                    break
        return own

    def gate(self, trials: Sequence[Trial]) -> RungGate | None:
        """Return the decision of the pilot trials about the rungs; None if there are no pilots."""
        if len(self.epochs) == 1 or not self.pilots:
            return None
        pilots = self.pilot_trials(trials)
        return RungGate.of(self.epochs, pilots, self.pilots, self.min_correlation, self.multi_objective)

    def used(self, trials: Sequence[Trial]) -> tuple[int, ...]:
        """Return the epochs of the rungs in use, ascending.

        Until the pilot trials have decided, this is only the full training. Without pilot trials, these are all
        rungs.
        """
        gate = self.gate(trials)
        return gate.used if gate else self.epochs

    def next_epochs(self, trial: Trial, trials: Sequence[Trial]) -> int:
        """Return the epochs of the next training of `trial`, one of `trials` that is not complete."""
        is_pilot = any(trial.number == pilot.number for pilot in self.pilot_trials(trials))
        path = self.epochs if is_pilot else self.used(trials)
        if trial.rungs:
            return next(epochs for epochs in path if epochs > trial.rungs[-1].result.epochs)
        return path[0]

    def promoted(self, trials: Sequence[Trial]) -> Trial | None:
        """Return the pruned trial to train at its next rung; None if no trial has earned a promotion.

        Pilot trials come first, then the best trial at the highest rung that has a promotion left.
        """
        if len(self.epochs) == 1:
            return None
        pruned = {trial.number for trial in trials if trial.state == "pruned"}
        if not pruned:
            return None
        for trial in self.pilot_trials(trials):
            if trial.number in pruned:
                return trial
        for epochs in reversed(self.used(trials)[:-1]):
            finished = self.ranked(trials, epochs)
            for trial in finished[: self.promotions(len(finished))]:
                if trial.number in pruned and trial.rungs[-1].result.epochs == epochs:
                    return trial
        return None

    def promotions(self, finished: int) -> int:
        """Return the number of networks that go on to the next rung if `finished` networks have finished this one."""
        return finished // self.eta

    def ranked(self, trials: Sequence[Trial], epochs: int) -> list[Trial]:
        """Return the trials that finished the rung of so many epochs, the best first (reward or Pareto rank)."""
        results = [(trial, rung.terms) for trial in trials if (rung := trial.rung(epochs))]
        if self.multi_objective:
            return [results[index][0] for index in ordered([terms.objectives for _, terms in results])]
        return [trial for trial, _ in sorted(results, key=lambda pair: -pair[1].reward)]


def completed_work(ladder: Ladder, trials: Sequence[Trial]) -> float:
    """Return the amount of training in this search so far. The unit is a full training; a failed one counts as 1."""
    own = [trial for trial in trials if trial.state not in NOT_TRAINED_HERE]
    full = sum(trial.state in ("complete", "failed") for trial in own)
    # A full training of 0 epochs has no rungs below it.
    return full + sum(rung.result.epochs for trial in own for rung in trial.rungs) / max(1, ladder.last)


@dataclass(frozen=True, slots=True)
class RemainingWork:
    """The rest of a search.

    work: the remaining work, in units of a full training. complete: the expected number of complete trials at the end
    of the search.
    """

    work: float
    complete: int


def remaining_work(ladder: Ladder, trials: Sequence[Trial], total: int) -> RemainingWork:
    """Return the remaining work of a search of `total` networks. Pruned trials are not expected to be promoted.

    While the pilot trials are undecided, no rung is expected to save anything.
    """
    own = [trial for trial in trials if trial.state not in NOT_TRAINED_HERE]
    over = sum(trial.state in ("complete", "failed", "pruned") for trial in own)
    if len(ladder.epochs) == 1:
        return RemainingWork(max(0, total - over), total)
    pilots = {trial.number for trial in ladder.pilot_trials(trials)}
    cost, chance = _expected_training(ladder, ladder.used(trials))
    work = 0.0
    climbing = [trial for trial in own if trial.state not in ("complete", "failed")]
    for trial in climbing:
        done = trial.rungs[-1].result.epochs if trial.rungs else 0
        if trial.number in pilots:
            work += sum(epochs for epochs in ladder.epochs if epochs > done) / ladder.last
        elif trial.state != "pruned":
            work += ladder.next_epochs(trial, trials) / ladder.last if done else cost
    unstarted = max(0, total - len(own))
    new_pilots = min(unstarted, max(0, ladder.pilots - len(own)))
    work += new_pilots * sum(ladder.epochs) / ladder.last + (unstarted - new_pilots) * cost
    complete = sum(trial.state == "complete" for trial in own) + new_pilots
    complete += sum(trial.number in pilots for trial in climbing)
    return RemainingWork(work, complete + round((unstarted - new_pilots) * chance))


def _expected_training(ladder: Ladder, used: Sequence[int]) -> tuple[float, float]:
    """Return the expected cost of a network, in units of a full training, and its chance to get the full training."""
    chance = PROMOTION_INFLATION / ladder.eta
    cost = sum(epochs * chance**rung for rung, epochs in enumerate(used)) / ladder.last
    return cost, chance ** (len(used) - 1)
