"""The choice of each family's learning rate: the best of a few, by the accuracy on the validation split.

One network of each family is trained with every rate and the first seed. The comparison needs the training with the
best rate anyway, so a choice among n rates costs n - 1 additional trainings for each family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from search.compare.contender import Contender

AccuracyOf = Callable[[Contender, float], float]
"""A function of (contender, factor of the learning rate) that returns the accuracy on the validation split."""


def representatives(every: Sequence[Contender]) -> dict[str, Contender]:
    """Return the network of each family that is trained with every learning rate, by the name of the family.

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
