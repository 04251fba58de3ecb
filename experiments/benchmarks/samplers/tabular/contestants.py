"""The contestants: every sampler of ours, Optuna's with their defaults, and local search."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search.config import Config
from search.pruners import Ladder, Pruner, Workload
from search.pruners.pruner import SuccessiveHalving
from search.samplers import Observation, Sampler
from search.samplers.base import Permits, every_network
from search.samplers.evolution import drawn, neighbours, option_counts
from search.settings.words import parse
from space import Choice, Point, Space, documents
from space.refusal import UserError, unknown_name

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class AsItComes(Sampler):
    """One of Optuna's samplers with its own defaults, used through `study.ask` and `study.tell`.

    kind: the name of its class in `optuna.samplers`.

    The engine does not train a duplicate again. A point that was proposed before gets its reward again; another
    point of the same network counts as failed. Only for searches that are not interrupted.
    """

    kind: str

    def proposer(
        self, space: Space, permits: Permits = every_network, trials: int | None = None, objectives: int = 1
    ) -> Asking:
        return Asking(space.choices, self.kind)


class Asking:
    """An Optuna study that lasts as long as the search."""

    def __init__(self, choices: Sequence[Choice], kind: str) -> None:
        from optuna.distributions import CategoricalDistribution, IntDistribution

        self._kind, self._study = kind, None
        counts = {choice.name: (len(choice.options), choice.ordered) for choice in choices}
        self._distributions = {
            name: IntDistribution(0, count - 1) if ordered else CategoricalDistribution(range(count))
            for name, (count, ordered) in counts.items()
        }
        self._open: dict[Point, list[int]] = {}
        """The numbers of Optuna's trials that have no result yet, by point."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Propose a point (see `Proposer`). The seed of the first call becomes the study's."""
        import optuna

        if self._study is None:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(direction="maximize", sampler=self._sampler(seed))
        self._tell(history)
        trial = self._study.ask(self._distributions)
        params = trial.params
        point = tuple(int(params[name]) for name in self._distributions)
        self._open.setdefault(point, []).append(trial.number)
        return point

    def _sampler(self, seed: int) -> BaseSampler:
        from optuna import samplers

        return getattr(samplers, self._kind)(seed=seed)

    def _tell(self, history: Sequence[Observation]) -> None:
        from optuna.trial import TrialState

        assert self._study is not None
        rewards = {trial.point: trial.reward for trial in history if trial.reward is not None}
        running = {trial.point for trial in history if not trial.finished}
        for point in [point for point in self._open if point not in running]:
            for number in self._open.pop(point):
                if point in rewards:
                    self._study.tell(number, rewards[point])
                else:  # The trial failed, or another point has the same network and its reward.
                    self._study.tell(number, state=TrialState.FAIL)


class LocalSearch(Sampler):
    """Local search from the best of some random networks, by changes of one choice.

    First improvement: neighbours are tried in a random order. If none is better, it restarts. Only for
    searches that are not interrupted.
    """

    max_attempts: ClassVar[int] = 1000

    draws: int = 10
    """The number of random networks at the start."""

    def proposer(
        self, space: Space, permits: Permits = every_network, trials: int | None = None, objectives: int = 1
    ) -> Climbing:
        return Climbing(option_counts(space), self.draws)


class Climbing:
    """Local search. options: the number of options of each choice. draws: the random points after each restart."""

    def __init__(self, options: tuple[int, ...], draws: int) -> None:
        self._options, self._draws = options, draws
        self._climb: list[Point] = []
        """The points proposed since the last restart."""
        self._at: Point | None = None
        self._around: list[Point] = []
        """The neighbours of the best point since the last restart that have not been tried yet."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Propose a point (see `Proposer`)."""
        rng = random.Random(seed)
        rewards = {trial.point: trial.reward for trial in history if trial.reward is not None}
        known = {trial.point for trial in history}
        trained = [point for point in self._climb if point in rewards]
        if trained and len(self._climb) >= self._draws:
            best = max(trained, key=lambda point: rewards[point])
            if best != self._at:
                self._at, self._around = best, list(neighbours(best, self._options))
                rng.shuffle(self._around)
            self._around = [point for point in self._around if point not in known]
            if not self._around:
                self._climb, self._at = [], None
        self._climb.append(self._around.pop() if self._at else drawn(self._options, rng))
        return self._climb[-1]


OPTUNAS = {"optuna_gp": "GPSampler", "optuna_tpe": "TPESampler", "optuna_nsga2": "NSGAIISampler"}
"""The class in `optuna.samplers` of each contestant that is one of Optuna's samplers without any change of ours."""
CONTESTANTS: tuple[str, ...] = (*documents.names("sampler"), *OPTUNAS, "local_search")
"""The names of all contestants."""
FEW = ("auto", "ordinal_gp", "gp", "optuna_gp")
"""Contestants with slow proposals, which are compared over fewer trials."""


@dataclass(frozen=True, slots=True)
class AfterAll(Ladder):
    """Rungs that promote the `top` best networks once all `total` networks have finished the first rung."""

    total: int = 0
    top: int = 0

    def promotions(self, finished: int) -> int:
        return self.top if finished >= self.total else 0


class OneEpoch(Pruner):
    """A pruner: one epoch for all, then the `top` best in full (Egele et al. 2023, "Is One Epoch All You Need?")."""

    top: int = 5

    def ladder(self, workload: Workload) -> Ladder:
        return AfterAll((1, workload.epochs), total=workload.trials or 0, top=self.top)


PRUNERS: dict[str, Pruner] = {
    "asha": SuccessiveHalving(pruner="asha"),
    "sha": SuccessiveHalving(pruner="sha", gate=0),
    "one_epoch": OneEpoch(pruner="one_epoch"),
}
"""The pruners by the name that follows "+" in a contestant's name. asha has a gate (pilot networks), sha has none."""


def pruned(name: str) -> tuple[Sampler, Pruner | None]:
    """Return the sampler and the pruner in a name such as "tpe+asha"; "tpe" has no pruner.

    Raises `UserError` for an unknown sampler or pruner.
    """
    sampler, plus, pruner = name.partition("+")
    if plus and pruner not in PRUNERS:
        raise unknown_name("pruner", pruner, PRUNERS)
    return contestant(sampler), PRUNERS[pruner] if plus else None


def contestant(name: str) -> Sampler:
    """Return the sampler of a contestant, with its defaults except for options in the name ("auto:startup=6").

    Early stop is off. Raises `UserError` for an unknown name, and for options that the sampler lacks.
    """
    sampler, _, options = name.partition(":")
    if sampler not in CONTESTANTS:
        raise unknown_name("sampler", sampler, CONTESTANTS)
    changes = parse([f"sampler.{option}" for option in options.split(",") if option])
    if sampler in documents.names("sampler"):
        built = Config.of({"sampler": sampler, **changes}).sampler
        # Early stop is off, so that all searches have the same number of trials.
        return built.model_copy(update={"early_stop": False}) if hasattr(built, "early_stop") else built
    if changes:
        raise UserError(f"{sampler} takes no options here, and {name} has some.")
    return (
        AsItComes(sampler=sampler, kind=OPTUNAS[sampler])
        if sampler in OPTUNAS
        else LocalSearch(sampler=sampler)
    )
