"""The proposer that fits the Gaussian process to a history, and searches for the best point."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np
from threadpoolctl import ThreadpoolController

from search.samplers.base import Exhausted, Observation
from search.samplers.evolution import drawn, mutated
from search.samplers.ordinal_gp.candidates import Candidates
from search.samplers.ordinal_gp.encoding import Encoding
from search.samplers.ordinal_gp.initial import initial_point
from search.samplers.ordinal_gp.kernels import Inputs, Matrix
from search.samplers.ordinal_gp.local_search import local_search
from search.samplers.ordinal_gp.model import Model, training_targets
from search.samplers.ordinal_gp.regression import Hypothesis, hypotheses
from search.samplers.ordinal_gp.stopping import REASON, EarlyStopping
from space import Point

MIN_RESULTS = 2
"""The number of results (rewards) below which there is no model, however many trials have begun."""
RANDOM_STARTS, MUTATED_STARTS, PARENTS, MAX_CHANGES = 200, 200, 8, 3
"""The numbers of starting points of the local search (random points, and mutations of the best points), of the best
points that are mutated, and of changes in a mutation at most."""
ALWAYS, STEP, MAX_WEIGHED = 32, 8, 200
"""Kernels are weighted by their likelihood at every proposal up to ALWAYS results, and every STEP results after that.
The likelihood is computed on up to MAX_WEIGHED results, whereas predictions use all results."""


class GPProposer:
    """A proposer with a Gaussian process, which is fitted to the history at every proposal."""

    def __init__(
        self,
        candidates: Candidates,
        *,
        startup: int,
        sizes: bool | Literal["alternate"],
        max_observations: int,
        early_stop: bool,
    ) -> None:
        """Prepare the proposer. See `OrdinalGP` for the options."""
        self._candidates, self._startup = candidates, startup
        self._models = {"alternate": (True, False), True: (True,), False: (False,)}[sizes]
        """The models that take turns, each as a flag that is True if the model uses sizes."""
        self._max_observations, self._early_stop = max_observations, early_stop
        self._encoding = Encoding(candidates.choices, candidates.active)
        self._weighed: dict[bool, tuple[object, tuple[Hypothesis, ...]]] = {}
        """The latest hypotheses with and without sizes, each with the results that their weights come from."""
        self._stopping = EarlyStopping(self._expected_gain, startup)

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`.

        The network is new and within the limits if the search finds such a network.
        """
        rng, admits = random.Random(seed), self._admitting(history)
        begun = [trial.point for trial in history if not trial.rejected]
        finished = [trial for trial in history if trial.reward is not None]
        if not self._candidates.choices:
            return ()
        if len(begun) < self._startup or len(finished) < min(MIN_RESULTS, self._startup):
            return initial_point(self._candidates, begun, admits, self._startup, rng)
        running = [trial.point for trial in history if not trial.finished and trial.expected is None]
        # The matrices are small: more threads would only disturb busy workers.
        with _threads().limit(limits=1):
            if self._early_stop and self._stopping.reached(history):
                raise Exhausted(REASON)
            # The parity of the binary digits alternates without a period. With a period of 2, every fourth proposal,
            # which can have another objective (see `Sampled`), would always use the same model.
            sizes = self._models[len(begun).bit_count() % len(self._models)]
            best, _ = self._best(finished, _predicted(history), running, admits, rng, sizes)
        return drawn(self._candidates.options, rng) if best is None else best

    def _admitting(self, history: Sequence[Observation]) -> Callable[[Point], bool]:
        """Return a function that tests if a point's network is not in the history, and within the limits."""
        network, permits = self._candidates.network, self._candidates.permits
        known = {network(trial.point) for trial in history}
        return lambda point: network(point) not in known and permits(point)

    def _best(
        self,
        finished: Sequence[Observation],
        predicted: Sequence[Observation],
        running: Sequence[Point],
        admits: Callable[[Point], bool],
        rng: random.Random,
        sizes: bool,
    ) -> tuple[Point | None, Model]:
        """Return the point with the highest expected improvement (None if no point is admitted), and the model.

        predicted: the trials whose reward is predicted from a shorter training. admits: True for a point that may
        be proposed. sizes: True if params and MACs may help to predict.
        """
        finished = _fewer(finished, self._max_observations, rng)
        inputs = self._inputs([trial.point for trial in finished], sizes)
        # Only full trainings determine the weights of kernels. Predicted rewards are used for predictions only.
        predicted = _fewer(predicted, max(0, self._max_observations - len(finished)), rng)
        points = [trial.point for trial in (*finished, *predicted)]
        targets, extra_variance = training_targets(finished, predicted)
        model = Model(self._hypotheses(finished, sizes), inputs, points, running, targets, extra_variance)
        options = self._candidates.options
        starts = [drawn(options, rng) for _ in range(RANDOM_STARTS)]
        parents = model.best(PARENTS)
        for _ in range(MUTATED_STARTS):
            point = rng.choice(parents)
            for _ in range(rng.randint(1, MAX_CHANGES)):
                point = mutated(point, options, rng)
            starts.append(point)
        return local_search(model.log_improvement, starts, options, admits, self._candidates.network), model

    def _expected_gain(self, history: Sequence[Observation]) -> float:
        """Return the largest expected improvement after a history, in standard deviations of the noise.

        If several models alternate, it is the largest value of all models.
        """
        finished, admits = [trial for trial in history if trial.reward is not None], self._admitting(history)
        gains = [0.0]
        for sizes in self._models:
            rng = random.Random(len(finished))
            best, model = self._best(finished, _predicted(history), (), admits, rng, sizes)
            if best:
                gains.append(math.exp(float(model.log_improvement([best])[0])) / model.noise)
        return max(gains)

    def _hypotheses(self, finished: Sequence[Observation], sizes: bool) -> tuple[Hypothesis, ...]:
        """Return the likely kernels and noises. They depend on `finished` alone, not on earlier proposals."""
        count = len(finished) if len(finished) <= ALWAYS else len(finished) // STEP * STEP
        spaced = np.unique(np.linspace(0, count - 1, min(count, MAX_WEIGHED)).astype(int))
        weighing = [finished[index] for index in spaced]
        if sizes not in self._weighed or self._weighed[sizes][0] != weighing:
            points = [trial.point for trial in weighing]
            targets, _ = training_targets(weighing, ())
            self._weighed[sizes] = weighing, hypotheses(self._inputs(points, sizes)(points), targets)
        return self._weighed[sizes][1]

    def _inputs(self, observed: Sequence[Point], sizes: bool) -> Callable[[Sequence[Point]], Inputs]:
        """Return the function from points to model inputs, with sizes relative to those of `observed`."""

        def sizes_of(points: Sequence[Point]) -> Matrix:
            own = [self._candidates.sizes(point) for point in points] if sizes else []
            return np.array(own, dtype=float).reshape(len(points), 2 if sizes else 0)

        known = sizes_of(observed)
        mean, spread = known.mean(0), known.std(0)
        # If all observed points have the same size, sizes carry no information and must not be scaled up.
        spread = np.where(spread > 1e-9, spread, np.inf) * math.sqrt(max(1, known.shape[1]))

        def inputs(points: Sequence[Point]) -> Inputs:
            codes, sums = self._encoding(points)
            codes /= math.sqrt(self._encoding.spread)
            sums /= math.sqrt(self._encoding.spread_of_sums)
            return Inputs(codes, sums, (sizes_of(points) - mean) / spread)

        return inputs


@cache
def _threads() -> ThreadpoolController:
    """Return the controller of the threads of numerical libraries. Finding the libraries takes milliseconds."""
    return ThreadpoolController()


def _predicted(history: Sequence[Observation]) -> list[Observation]:
    """Return the trials whose reward is predicted from a shorter training."""
    return [trial for trial in history if trial.reward is None and trial.expected is not None]


def _fewer(trials: Sequence[Observation], max_count: int, rng: random.Random) -> Sequence[Observation]:
    """Return at most `max_count` of `trials`: if there are more, the best for one half, random ones for the other."""
    if len(trials) <= max_count:
        return trials
    ordered = sorted(trials, key=lambda trial: -(trial.expected or 0.0))
    half = max_count // 2
    chosen = [*ordered[:half], *rng.sample(ordered[half:], max_count - half)]
    return sorted(chosen, key=lambda trial: trial.number)
