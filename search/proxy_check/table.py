"""What a check found: a row for each proxy, and which of them is worth its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search.proxy_check.check import Checked
from search.stats.confidence import CONFIDENCE
from search.tables.table import Column

GOOD = 0.7
"""Of Kendall's tau, what counts as ranking well unless something else is asked for: 85 % of all pairs in order."""

COLUMNS = (
    Column(
        "name",
        "Proxy",
        description="what differs from the one that was given; longer: what all are held against",
    ),
    Column("epochs", "Epochs", form="d"),
    Column("images", "Images", description="to train with; all where nothing is said"),
    Column("resolution", "Resolution", "px", form="d"),
    Column("width", "Width", form="g", description="multiplies that of every layer"),
    Column("seconds", "Time", "s", form=".1f", description="of one training, in the mean over the networks"),
    Column(
        "share", "Cost", form=".0%", description="its time over that of the longer training", better="low"
    ),
    Column(
        "tau",
        "Kendall's tau",
        form=".3f",
        description="with the ranking of the longer training",
        better="high",
    ),
    Column("low", "from", form=".3f", description="its 95% bootstrap interval over networks"),
    Column("high", "to", form=".3f"),
    Column("lowest", "Accuracy from", form=".4f", description="of the worst network"),
    Column("highest", "to ", form=".4f", description="of the best"),
)


def rows(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    """A row for each proxy, the longer training first."""
    return [
        {
            "name": one.name,
            "epochs": one.proxy.epochs,
            "images": one.proxy.images,
            "resolution": one.proxy.resolution,
            "width": one.proxy.width,
            "seconds": one.seconds,
            "share": one.seconds / checked[0].seconds,
            "tau": one.agreement and one.agreement.tau,
            "low": one.agreement and one.agreement.low,
            "high": one.agreement and one.agreement.high,
            "lowest": min(one.accuracies),
            "highest": max(one.accuracies),
        }
        for one in checked
    ]


def recommended(checked: Sequence[Checked], good: float = GOOD) -> Checked | None:
    """The cheapest proxy whose tau is at least `good`; None if there is none."""
    ranking = [one for one in checked if one.agreement and (one.agreement.tau or -1.0) >= good]
    return min(ranking, key=lambda one: one.seconds, default=None)


def verdict(checked: Sequence[Checked], good: float = GOOD) -> list[str]:
    """What the check found, in sentences."""
    given = checked[1]
    assert given.agreement is not None
    count = given.agreement.networks
    lines = [
        f"The proxy ranks {count} networks like the longer training: {_tau(given)}; {_cost(given, checked)}."
    ]
    if len(checked) > 2:
        found = recommended(checked, good)
        if found is None:
            best = max(checked[1:], key=lambda one: (one.agreement and one.agreement.tau) or -1.0)
            lines.append(
                f"None reaches {good:g}; the best is {best.name}, {_tau(best)}, at {_cost(best, checked)}."
            )
        else:
            lines.append(
                f"The cheapest that reaches {good:g}: {found.name}, {_tau(found)}, at {_cost(found, checked)}."
            )
    lines.append(
        "One seed each: the longer training's own chance is in every tau, and intervals say what other networks "
        "might have given."
    )
    return lines


def _tau(one: Checked) -> str:
    told = one.agreement
    if told is None or told.tau is None:
        return "no tau: all its accuracies are equal"
    interval = "" if told.low is None else f" ({CONFIDENCE:.0%}: {told.low:.2f} to {told.high:.2f})"
    return f"tau {told.tau:.2f}{interval}"


def _cost(one: Checked, checked: Sequence[Checked]) -> str:
    return (
        f"{one.seconds:.0f} s a network, {one.seconds / checked[0].seconds:.0%} of the longer training's time"
    )
