"""The tuning of a published network's recipe by the sampler of the searches, with as many epochs as a search.

It shows the gain from this compute without an architecture search. The choices are the learning rate, the weight
decay and the augmentation. Each trial is a full training that is judged on validation images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.benchmarks.training.full_training import EPOCHS, Job
from search.runs.run import Run
from search.samplers.base import Observation
from search.samplers.ordinal_gp.candidates import Candidates
from search.samplers.ordinal_gp.proposer import GPProposer
from space import Choice, Point

CHOICES = (
    Choice("rate", (0.25, 0.5, 1.0, 2.0, 4.0), ordered=True),
    Choice("recipe.weight_decay", (0.005, 0.02, 0.05, 0.15), ordered=True),
    Choice("recipe.label_smoothing", (0.0, 0.1), ordered=True),
    Choice("recipe.shift", (0.0, 0.0625, 0.125), ordered=True),
    Choice("recipe.mixup", (0.0, 0.2), ordered=True),
    Choice("recipe.cutmix", (0.0, 1.0), ordered=True),
)
"""The choices of the tuning. The rate is the factor of the recipe's learning rate."""
DEFAULT: Point = (2, 2, 1, 2, 0, 0)
"""The recipe of all other networks, `recipe=small`, as a point of `CHOICES`. It is the first trial."""
STARTUP, SEED = 4, 0


def trainings_of_equal_cost(run: Run) -> int:
    """Return the number of full trainings with as many epochs in total as all trainings of a search and its finals.

    The epochs of a search cost less where the proxy reduces widths or sees fewer images than a full training. Then
    the number is too large, which favours the tuned network.
    """
    again = sum(training.over for trial in run.trials for training in trial.final_trainings)
    return int((run.trainings + again) * run.config.proxy.epochs // EPOCHS)


def tuned(
    network: str, npz: str, count: int, train: Callable[[Sequence[Job]], Sequence[Mapping[str, Any]]]
) -> Job:
    """Train a network with `count` recipes, and return the training with the highest validation accuracy.

    npz: the file of the images. train: the function that carries out trainings, or finds them in a journal, and
    returns one line of the journal for each.
    """
    proposer = GPProposer(
        _candidates(), startup=STARTUP, sizes=False, max_observations=count, early_stop=False
    )
    history: list[Observation] = []
    jobs: list[Job] = []
    for number in range(count):
        point = proposer.propose(history, number)
        jobs.append(job(network, npz, point))
        (line,) = train(jobs[-1:])
        history.append(Observation(number, point, float(line["validation_accuracy"]), finished=True))
    best = max(history, key=lambda trial: trial.reward or 0.0)
    return jobs[best.number]


def job(network: str, npz: str, point: Point) -> Job:
    """Return the training of a network with the recipe `point`, a point of `CHOICES`."""
    values = {choice.name: choice.options[index] for choice, index in zip(CHOICES, point, strict=True)}
    rate = float(values.pop("rate"))
    return Job(network, SEED, npz, rate, "validation", tuple(values.items()))


def _candidates() -> Candidates:
    """Return the recipes in the form of the networks of a space: all are permitted, and all have one size."""
    return Candidates(
        CHOICES,
        tuple(len(choice.options) for choice in CHOICES),
        network=lambda point: point,
        active=lambda point: (True,) * len(point),
        permits=lambda point: True,
        sizes=lambda point: (0.0, 0.0),
        published=lambda: (DEFAULT,),
    )
