"""The published network that is nearest to a scaled one, and the differences between the two."""

from __future__ import annotations

import math
from itertools import zip_longest

from space import CATALOG, Architecture, Cost, Published, Stage, cost, encode
from space.architecture import encode_stage

NEAR = 2.0
"""The factor in params and in MACs up to which a published network is worth a comparison."""


def nearest(architecture: Architecture) -> Published:
    """Return the nearest published network of the same kind (see `same_kind`), by the ratios of params and MACs.

    >>> from scaling import scale
    >>> nearest(scale("b0", 3).architecture).name
    'b4'

    If no published network is of the same kind, as for most results of a search, all are candidates.
    """
    here = cost(architecture)
    rows = same_kind(architecture) or tuple(CATALOG.values())
    return min(rows, key=lambda row: _distance(cost(row.architecture), here))


def near(architecture: Architecture) -> Published | None:
    """Return the nearest published network if its params and MACs are within a factor of `NEAR`, else None."""
    published = nearest(architecture)
    here, there = cost(architecture), cost(published.architecture)
    ratios = (here.params / there.params, here.macs / there.macs)
    return published if all(1 / NEAR <= ratio <= NEAR for ratio in ratios) else None


def same_kind(architecture: Architecture) -> tuple[Published, ...]:
    """Return the published networks whose stages differ from those of `architecture` only in depth and width.

    If one of the two networks has more stages than the other, the additional stages are ignored. The result can be
    empty.
    """
    return tuple(row for row in CATALOG.values() if _alike(row.architecture, architecture))


def differences(architecture: Architecture, published: Published) -> tuple[str, ...]:
    """Return the differences from `published` in words, part by part; () if it is the same network.

    Stems and heads are compared by their widths. If the networks differ only in other details of stem and head, the
    result is a single text with the canonical string of `published`.

    >>> from scaling import PUBLISHED
    >>> differences(PUBLISHED["b1"].architecture, PUBLISHED["b0"])[:2]
    ('resolution 240 (224 in b0)', 'stages.0 depth 2 (1 in b0)')
    """
    other = published.architecture
    changes = _numbers("resolution", architecture.resolution, other.resolution, published.name)
    changes += _numbers("stem", architecture.stem.width, other.stem.width, published.name)
    for number, (mine, theirs) in enumerate(zip_longest(architecture.stages, other.stages)):
        changes += _stage_differences(f"stages.{number}", mine, theirs, published.name)
    changes += _numbers("head", architecture.head.width, other.head.width, published.name)
    changes += _numbers("classes", architecture.classes, other.classes, published.name)
    if not changes and encode(architecture) != encode(other):
        changes = [f"canonical string {encode(other)} in {published.name}"]
    return tuple(changes)


def _stage_differences(place: str, mine: Stage | None, theirs: Stage | None, name: str) -> list[str]:
    if mine is None or theirs is None:
        present, where = (theirs, f"only in {name}") if mine is None else (mine, f"not in {name}")
        assert present is not None
        return [f"{place} {encode_stage(present)} {where}"]
    if _kind(mine) != _kind(theirs):
        return [f"{place} {encode_stage(mine)}, in {name} {encode_stage(theirs)}"]
    changes = [
        f"{word} {here} ({there} in {name})"
        for word, here, there in (("depth", mine.depth, theirs.depth), ("width", mine.width, theirs.width))
        if here != there
    ]
    return [f"{place} {', '.join(changes)}"] if changes else []


def _numbers(word: str, here: int, there: int, name: str) -> list[str]:
    return [] if here == there else [f"{word} {here} ({there} in {name})"]


def _kind(stage: Stage) -> tuple[object, ...]:
    fields = {name: getattr(stage, name) for name in Stage.__dataclass_fields__}
    return tuple(value for name, value in fields.items() if name not in ("depth", "width"))


def _alike(one: Architecture, other: Architecture) -> bool:
    # Only the stages that both have are compared: V2-M has the stages of V2-S and a seventh.
    return all(_kind(mine) == _kind(theirs) for mine, theirs in zip(one.stages, other.stages, strict=False))


def _distance(one: Cost, other: Cost) -> float:
    return math.hypot(math.log(one.params / other.params), math.log(one.macs / other.macs))
