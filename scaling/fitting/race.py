"""Which candidate of a fit is trained next, with which seed, and who drops out.

All candidates are trained with the first seed. The leaders go on to the second; whoever then is behind the
best by more than chance drops out, and the others go on, seed by seed. The rule's own triple always goes on:
whether a fit was worth its time is a question to the triple that one would have used without it. Trainings
themselves are never cut short: before its schedule has ended, an accuracy says little about that at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scaling.families import ScaledModel
from scaling.fitting.grid import Candidate
from search.engine.proposals import Proposal
from search.stats.paired import Layout
from search.trials.trial import Trial
from space import Architecture

Known = Mapping[tuple[Architecture, int], Trial]
"""Trials by network and seed."""
Field = tuple[int, ...]
"""Numbers of candidates."""


@dataclass(frozen=True)
class Verdict:
    """The end of a race.

    finalists: the candidates that have every seed; layout: their accuracies, in that order. tied: those of
    them that the best cannot be told from, the best among them. winner: the cheapest of the tied.
    """

    finalists: Field
    layout: Layout
    tied: Field
    winner: int

    @property
    def best(self) -> int:
        """The finalist of the highest mean accuracy."""
        return self.finalists[self.layout.best]


class Race:
    """The proposals of a fit: they follow from its candidates and from the trials so far alone."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        seeds: Sequence[int],
        leaders: int,
        rivals: Callable[[Candidate], Sequence[ScaledModel]] = lambda winner: (),
    ) -> None:
        """rivals: what the winner is compared with, trained with every seed when it is known."""
        self._candidates, self._seeds, self._leaders = tuple(candidates), tuple(seeds), leaders
        self._rivals = rivals

    @property
    def total(self) -> int | None:
        """None: how many drop out isn't known before."""
        return None

    @property
    def most(self) -> int:
        """The trainings of the candidates if no leader drops out."""
        further = min(len(self._candidates), self._leaders + 1)
        return len(self._candidates) + further * (len(self._seeds) - 1)

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """See `search.engine.proposals.Proposals`."""
        done = known(trials)
        for number, network, seed in self._wanted(done):
            if (network, seed) not in done:
                return Proposal((number,), network, seed)
        return None

    def over(self, trials: Sequence[Trial]) -> bool:
        """Whether everything that there is to train has been."""
        done = known(trials)
        return self.verdict(trials) is not None and all(
            _finished(done.get((network, seed))) for _, network, seed in self._wanted(done)
        )

    def verdict(self, trials: Sequence[Trial]) -> Verdict | None:
        """Who has won; None as long as candidates are to be trained, and if all of them failed."""
        done = known(trials)
        rounds = list(self._rounds(done))
        if len(rounds) <= len(self._seeds) or not rounds[-1]:
            return None
        finalists = rounds[-1]
        layout = self._layout(finalists, self._seeds, done)
        tied = tuple(
            number for place, number in enumerate(finalists) if not layout.behind(place).beyond_chance
        )
        if len(self._seeds) == 1:
            # One training each: nothing says what is chance, so the highest accuracy it is.
            tied = (finalists[layout.best],)
        return Verdict(finalists, layout, tied, min(tied, key=self._price))

    def _wanted(self, done: Known) -> Iterator[tuple[int, Architecture, int]]:
        """Everything to be trained as far as it is known yet: numbers of proposals, networks, seeds."""
        for seed, field in zip(self._seeds, self._rounds(done), strict=False):
            for number in field:
                yield number, self._network(number), seed
        verdict = self.verdict(tuple(done.values()))
        if verdict:
            for place, rival in enumerate(self._rivals(self._candidates[verdict.winner])):
                for seed in self._seeds:
                    yield len(self._candidates) + place, rival.architecture, seed

    def _rounds(self, done: Known) -> Iterator[Field]:
        """Who takes part in each round that can begin; after the last, who has finished them all."""
        field: Field = tuple(range(len(self._candidates)))
        for number, seed in enumerate(self._seeds, start=1):
            yield field
            if not all(_finished(done.get((self._network(runner), seed))) for runner in field):
                return
            field = tuple(r for r in field if done[self._network(r), seed].state in ("complete", "duplicate"))
            if number < len(self._seeds):
                field = self._going_on(field, self._seeds[:number], done)
        yield field

    def _going_on(self, field: Field, seeds: Sequence[int], done: Known) -> Field:
        if not field:
            return field
        layout = self._layout(field, seeds, done)
        if len(seeds) == 1:
            best = sorted(range(len(field)), key=lambda place: -layout.means[place])[: self._leaders]
        else:
            best = [place for place in range(len(field)) if not layout.behind(place).beyond_chance]
        return tuple(
            runner
            for place, runner in enumerate(field)
            if place in best or self._candidates[runner].published
        )

    def _layout(self, field: Field, seeds: Sequence[int], done: Known) -> Layout:
        return Layout([[accuracy(done[self._network(r), seed]) for seed in seeds] for r in field])

    def _network(self, number: int) -> Architecture:
        return self._candidates[number].model.architecture

    def _price(self, number: int) -> int:
        return self._candidates[number].macs


def known(trials: Sequence[Trial]) -> Known:
    """`trials` by network and seed."""
    return {(trial.architecture, trial.seed): trial for trial in trials}


def accuracy(trial: Trial) -> float:
    """Of a complete trial, 0 to 1 on the validation split."""
    assert trial.result is not None
    return trial.result.accuracy


def _finished(trial: Trial | None) -> bool:
    return trial is not None and trial.state not in ("waiting", "running")
