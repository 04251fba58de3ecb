"""The learning rate of each family: the best of a few, by the accuracy on the validation split.

One network of each family is trained with every rate and the first seed. The training with the best rate is then one
of those that the comparison needs anyway, so choosing among n rates costs n - 1 more trainings for each family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from search.compare.contender import Contender

AccuracyOf = Callable[[Contender, float], float]
"""A function of (contender, factor of the learning rate) that returns the accuracy on the validation split."""


def representatives(every: Sequence[Contender]) -> dict[str, Contender]:
    """Return for each family, by its name, the network that is trained with every learning rate.

    It is the middle network of the family in the order of the leads; of two in the middle, the later one.
    """
    members: dict[str, list[Contender]] = {}
    for contender in every:
        members.setdefault(contender.family, []).append(contender)
    return {family: own[len(own) // 2] for family, own in members.items()}


def best_rates(
    chosen: Mapping[str, Contender], rates: Sequence[float], accuracy: AccuracyOf
) -> dict[str, float]:
    """Return the factor of the learning rate with the highest accuracy for each family, by the name of the family.

    Among equally accurate factors, it is the first in `rates`.
    """
    if len(rates) == 1:
        return dict.fromkeys(chosen, rates[0])
    return {
        family: max(rates, key=lambda rate: accuracy(contender, rate)) for family, contender in chosen.items()
    }
