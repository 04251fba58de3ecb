"""The order of the trainings of a fit: candidates, seeds, and which candidates drop out.

All candidates are trained with the first seed, and the leaders with a second. After each further seed, the
candidates that are significantly worse than the best drop out. The rule's own triple, which one would use without a
fit, drops out only if one of its trainings fails. No training is stopped early, since accuracy in the middle of a
schedule says little about its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scaling.fitting.grid import Candidate
from scaling.model import ScaledModel
from search.engine.proposals import Proposal
from search.stats.differences import Differences
from search.stats.hits import networks_hits
from search.trials.trial import Trial
from space import Architecture

Known = Mapping[tuple[Architecture, int], Trial]
"""A mapping of (network, seed) to the trial."""
Numbers = tuple[int, ...]
"""The positions of some candidates in the grid's list of candidates."""


@dataclass(frozen=True)
class Verdict:
    """The result of a race.

    finalists: the candidates that were trained with every seed. layout: the accuracies of the finalists, in the same
    order. tied: the best finalist and the finalists that are not significantly worse; with one seed, the best alone.
    winner: the cheapest candidate in `tied`.
    """

    finalists: Numbers
    layout: Differences
    tied: Numbers
    winner: int

    @property
    def best(self) -> int:
        """The finalist of the highest mean accuracy."""
        return self.finalists[self.layout.best]


class Race:
    """The source of a fit's trainings. The next one depends only on the candidates and on the trials so far."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        seeds: Sequence[int],
        leaders: int,
        baselines: Callable[[Candidate], Sequence[ScaledModel]] = lambda winner: (),
        images: int | None = None,
        effective: float | None = None,
    ) -> None:
        """Set up the race.

        seeds: the seeds of trainings, in order. leaders: the number of candidates that are trained with a second
        seed, besides the rule's own triple. baselines: the function that returns the networks to compare the winner
        with, which are trained with every seed at the end. images, effective: as in `differences`.
        """
        self._candidates, self._seeds, self._leaders = tuple(candidates), tuple(seeds), leaders
        self._baselines, self._images, self._effective = baselines, images, effective

    @property
    def total(self) -> int | None:
        """Always None: the number of trainings depends on how many candidates drop out."""
        return None

    @property
    def max_trainings(self) -> int:
        """The number of trainings of candidates if no leader drops out."""
        further = min(len(self._candidates), self._leaders + 1)
        return len(self._candidates) + further * (len(self._seeds) - 1)

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """Return the next training; None if none is left, or if it depends on trainings that still run."""
        done = known(trials)
        for number, network, seed in self._wanted(done):
            if (network, seed) not in done:
                return Proposal((number,), network, seed)
        return None

    def over(self, trials: Sequence[Trial]) -> bool:
        """Return True if all trainings are finished and at least one candidate has a result for every seed."""
        done = known(trials)
        return self.verdict(trials) is not None and all(
            _finished(done.get((network, seed))) for _, network, seed in self._wanted(done)
        )

    def verdict(self, trials: Sequence[Trial]) -> Verdict | None:
        """Return the result; None while candidates remain to be trained, or if none has a result for every seed."""
        done = known(trials)
        rounds = list(self._rounds(done))
        if len(rounds) <= len(self._seeds) or not rounds[-1]:
            return None
        finalists = rounds[-1]
        layout = self._layout(finalists, self._seeds, done)
        tied = tuple(number for place, number in enumerate(finalists) if not layout.behind(place).significant)
        if len(self._seeds) == 1:
            # With one training each, there is no estimate of noise: the highest accuracy wins.
            tied = (finalists[layout.best],)
        return Verdict(finalists, layout, tied, min(tied, key=self._macs))

    def _wanted(self, done: Known) -> Iterator[tuple[int, Architecture, int]]:
        """Yield (number of the candidate, network, seed) of each training that is known to be needed.

        Baselines have the numbers after the last candidate.
        """
        for seed, entrants in zip(self._seeds, self._rounds(done), strict=False):
            for number in entrants:
                yield number, self._network(number), seed
        verdict = self.verdict(tuple(done.values()))
        if verdict:
            for place, baseline in enumerate(self._baselines(self._candidates[verdict.winner])):
                for seed in self._seeds:
                    yield len(self._candidates) + place, baseline.architecture, seed

    def _rounds(self, done: Known) -> Iterator[Numbers]:
        """Yield the candidates of each round that can begin, and at last the candidates that finished all rounds."""
        entrants: Numbers = tuple(range(len(self._candidates)))
        for rounds, seed in enumerate(self._seeds, start=1):
            yield entrants
            if not all(_finished(done.get((self._network(number), seed))) for number in entrants):
                return
            entrants = tuple(
                number
                for number in entrants
                if done[self._network(number), seed].state in ("complete", "duplicate")
            )
            if rounds < len(self._seeds):
                entrants = self._promoted(entrants, self._seeds[:rounds], done)
        yield entrants

    def _promoted(self, entrants: Numbers, seeds: Sequence[int], done: Known) -> Numbers:
        if not entrants:
            return entrants
        layout = self._layout(entrants, seeds, done)
        if len(seeds) == 1:
            best = sorted(range(len(entrants)), key=lambda place: -layout.means[place])[: self._leaders]
        else:
            best = [place for place in range(len(entrants)) if not layout.behind(place).significant]
        return tuple(
            number
            for place, number in enumerate(entrants)
            if place in best or self._candidates[number].published
        )

    def _layout(self, entrants: Numbers, seeds: Sequence[int], done: Known) -> Differences:
        trials = [[done[self._network(number), seed] for seed in seeds] for number in entrants]
        return differences(trials, self._images, self._effective)

    def _network(self, number: int) -> Architecture:
        return self._candidates[number].model.architecture

    def _macs(self, number: int) -> int:
        return self._candidates[number].macs


def known(trials: Sequence[Trial]) -> Known:
    """Return a mapping of (network, seed) to its trial; to the last one, if there are several."""
    return {(trial.architecture, trial.seed): trial for trial in trials}


def differences(
    trials: Sequence[Sequence[Trial]], images: int | None, effective: float | None
) -> Differences:
    """Return the differences between the accuracies of networks.

    trials: the complete trials of each network, with the same seeds. images: the number of validation images, None if
    unknown. effective: the number of images that decides how uncertain accuracies are
    (`search.data.Dataset.effective_images`). Networks are compared image by image. If a training has no record of the
    images that it gets right, as with `data.balance`, each network counts as if it had validation images of its own.
    """
    hits = networks_hits([[trial.result.hits for trial in row if trial.result] for row in trials], images)
    accuracies = [[accuracy(trial) for trial in row] for row in trials]
    return Differences(accuracies, common_seeds=True, images=effective, hits=hits)


def accuracy(trial: Trial) -> float:
    """Return the validation accuracy of a complete trial, 0 to 1."""
    assert trial.result is not None
    return trial.result.accuracy


def _finished(trial: Trial | None) -> bool:
    return trial is not None and trial.state not in ("waiting", "running")
