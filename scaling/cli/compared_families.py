"""Families to compare with published networks: scaled from one base, or found by several searches."""

from __future__ import annotations

from collections.abc import Sequence

from scaling.families import scale
from scaling.runs import trained_network
from search.compare.contender import Contender, Family, family_of, named_contender
from space import UserError
from space.choices.named_networks import named_network


def scaled_family(word: str, phis: Sequence[float], rule: str = "compound") -> Family:
    """Return the family that `rule` scales from the network that `word` means, one member for each value in `phis`.

    Raises the errors of `scaling.base.resolve` and of `scale`.
    """
    base = _contender(word)
    members = []
    for phi in dict.fromkeys(phis):
        model = scale(base.architecture, phi, rule=rule)
        members.append(
            Contender(
                name=f"{base.name} phi {phi:g}",
                architecture=model.architecture,
                origin=f"{base.origin}, {rule}, phi {phi:g}",
                family=base.name,
                run=base.run,
                trial=None if phi else base.trial,
            )
        )
    return family_of(base.name, members)


def given_family(words: Sequence[str]) -> Family:
    """Return the family of the networks that `words` mean, such as the best ones of searches at several limits.

    Raises `UserError` for fewer than two networks, and the errors of `scaling.base.resolve`.
    """
    members = [_contender(word) for word in dict.fromkeys(words)]
    if len(members) < 2:
        raise UserError("Name several networks, or scale one: --family -1..1:0.5")
    return family_of("searched" if all(member.run for member in members) else "given", members)


def _contender(word: str) -> Contender:
    """Return the network that `word` names. Raises `UserError` if it names none, or an unfinished run or trial."""
    if not named_network(word):
        trained_network(word)
    return named_contender(word)[0]
