"""Searches with made-up evaluations of known truth and noise, to check the answers and sentences of their pages.

    python -m experiments.benchmarks.samplers.answers_with_known_truth [--searches 10] [--equal 40]

Each search is `search launch space=effv2_32 reward=accuracy limit.params=200k` with 20 trials. The accuracies of all
networks are invented (`tabular.surrogate`). A training classifies an image correctly (a hit) if the sum of four terms
exceeds 0: the normal quantile of the network's accuracy with the noise of its seed, and normal terms of the image, of
network and image, and of training and image. So the networks of a search share their images, and every search has its
own 480 images. The validation loss is 2 minus the sum of the accuracies on these images and on all images.

--equal: further searches in which all networks have the same accuracy. In these, every pair that the page calls
different is an error. They draw networks at random, since nothing can be learned.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from experiments.benchmarks.samplers.tabular.surrogate import NOISE, Surrogate
from search import launch
from search.proxy.evaluate import Request, Result
from search.report.findings import findings
from search.stats.hits import encode_hits
from space import Architecture, Space, cost, decode

LIMIT, TRIALS, IMAGES = 200_000, 20, 480
SHARES = {"image": 0.6, "network": 0.2, "training": 0.2}
"""The shares of the three random terms in the variance of the sum that decides on a hit: of the image, of network and
image, and of training and image."""
LEVEL = 0.2
"""The number that is added to the surrogate's accuracies, whose mean is 0.51."""
DRAWN = 2000
"""The number of random networks within the limit that an answer is ranked among."""


def _normals(count: int, *key: object) -> NDArray[np.float64]:
    return np.random.default_rng(_number(*key)).standard_normal(count)


def _number(*key: object) -> int:
    """Return a number from 0 to 2**63 - 1 that depends on the key alone, unlike Python's hash of a string."""
    return random.Random(repr(key)).getrandbits(63)


def evaluation(
    truth: Callable[[Architecture], float], search: int, request: Request, report: object = None
) -> Result:
    """Return the made-up result of a training.

    truth: the function that returns the true accuracy of a network. search: the number of the search, which decides
    the images.
    """
    network = decode(request.architecture)
    expected = truth(network) + NOISE * float(
        _normals(1, "seed", search, request.architecture, request.seed)[0]
    )
    keys = {
        "image": ("image", search),
        "network": ("network", search, request.architecture),
        "training": ("training", search, request.architecture, request.seed),
    }
    score = float(ndtri(expected)) + sum(
        math.sqrt(share) * _normals(IMAGES, *keys[name]) for name, share in SHARES.items()
    )
    hits = [bool(hit) for hit in score > 0]
    accuracy = sum(hits) / IMAGES
    loss = 2 - (accuracy + expected)
    return Result(accuracy, loss, request.proxy.epochs, 1, 1.0, 1.0, (loss,), hits=encode_hits(hits))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a search.

    share: the share of random networks within the limit that are truly better than the most accurate answer.
    deficit: the true accuracy of this answer less the true accuracy of the truly best trial. place: the rank of this
    answer among the trials by true accuracy, from 1. over: the number of answers over the limit. pairs: the number of
    pairs that the page calls different. wrong: the number of these pairs that are truly equal or differ in the other
    direction.
    """

    share: float
    deficit: float
    place: int
    over: int
    pairs: int
    wrong: int


def searched(
    number: int, truth: Callable[[Architecture], float], drawn: Sequence[float], sampler: str
) -> Outcome:
    """Run a search, and return how its answers and its page compare with the truth.

    number: the number of the search, which is its seed and decides its images. truth: the function that returns the
    true accuracy of a network. drawn: the true accuracies of random networks. sampler: the name of the sampler.
    """
    run = launch(
        {
            "space": "effv2_32",
            "reward": "accuracy",
            "limit.params": LIMIT,
            "trials": TRIALS,
            "data": "shapes",
            "data.images": round(IMAGES / 0.2),
            "proxy": "default",
            "executor": "serial",
            "sampler": sampler,
            "seed": number,
            "run": f"s{number}",
        },
        evaluate=partial(evaluation, truth, number),
    )
    truths = {trial.number: truth(trial.architecture) for trial in run.ranked}
    answer = run.answers.most_accurate
    named = (run.answers.best, answer, run.answers.cheapest)
    pairs = [pair for pair in findings(run).values()["differences"] if pair["significant"]]
    return Outcome(
        share=sum(value > truths[answer.number] for value in drawn) / len(drawn),
        deficit=truths[answer.number] - max(truths.values()),
        place=1 + sum(value > truths[answer.number] for value in truths.values()),
        over=sum(trial.cost.params > LIMIT for trial in named),
        pairs=len(pairs),
        wrong=sum(truths[pair["more"]] <= truths[pair["less"]] for pair in pairs),
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--searches", type=int, default=10)
    parser.add_argument("--equal", type=int, default=40)
    options = parser.parse_args(words)
    os.chdir(tempfile.mkdtemp())
    space, rng = Space.load("effv2_32"), random.Random("ranked among")
    networks = [space.at(space.sample(rng)) for _ in range(8 * DRAWN)]
    within = [network for network in networks if cost(network).params <= LIMIT][:DRAWN]
    outcomes = []
    for number in range(options.searches):
        problem = Surrogate("effv2_32", seed=1000 + number)
        truth = partial(_raised, problem)
        outcomes.append(searched(number, truth, [truth(network) for network in within], "auto"))
        print(outcomes[-1], flush=True)
    if outcomes:
        shares = [outcome.share for outcome in outcomes]
        print(
            f"{len(outcomes)} searches: of {len(within)} random networks, {statistics.fmean(shares):.1%} are better "
            f"than the answer (median {statistics.median(shares):.1%}, highest {max(shares):.1%}); place among the "
            f"trials: {sorted(outcome.place for outcome in outcomes)}; deficit to the best trial "
            f"{100 * statistics.fmean(outcome.deficit for outcome in outcomes):.2f} points; answers over the limit: "
            f"{sum(outcome.over for outcome in outcomes)}; pairs called different: "
            f"{sum(outcome.pairs for outcome in outcomes)}, wrong: {sum(outcome.wrong for outcome in outcomes)}"
        )
    false = 0
    for number in range(options.equal):
        outcome = searched(10_000 + number, _equal, [0.7], "random")
        false += outcome.pairs > 0
        print(
            f"{number + 1} searches of equal networks: in {false} the page calls a pair different", flush=True
        )


def _raised(problem: Surrogate, network: Architecture) -> float:
    return problem.accuracy(network) + LEVEL


def _equal(network: Architecture) -> float:
    return 0.7


if __name__ == "__main__":
    main()
