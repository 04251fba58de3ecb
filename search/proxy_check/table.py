"""The table of a check: a row for each proxy, and the cheapest one that ranks well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search.proxy_check.check import Checked
from search.stats.confidence import CONFIDENCE
from search.stats.rank_correlation import Agreement
from search.tables.table import Column

GOOD = 0.7
"""The value of Kendall's tau from which a proxy counts as good by default: 85 % of all pairs are in order."""

COLUMNS = (
    Column(
        "name",
        "Proxy",
        description="the setting that differs from the given proxy; longer: the real training",
    ),
    Column("epochs", "Epochs", form="d"),
    Column("images", "Images", description="training images; empty: all"),
    Column("resolution", "Resolution", "px", form="d", description="empty: each network's own"),
    Column("width", "Width", form="g", description="multiplier of every layer's width"),
    Column("seconds", "Time", "s", form=".1f", description="mean time of one training"),
    Column("share", "Cost", form=".0%", description="time relative to the longer training", better="low"),
    Column(
        "tau",
        "Kendall's tau",
        form=".3f",
        description="of the ranking by accuracy with that of the longer training",
        better="high",
    ),
    Column("low", "from", form=".3f", description="its 95% bootstrap interval over networks"),
    Column("high", "to", form=".3f"),
    Column(
        "loss_tau",
        "tau by loss",
        form=".3f",
        description="of the ranking by validation loss with the longer training's by accuracy",
        better="high",
    ),
    Column("lowest", "Accuracy from", form=".4f", description="of the worst network"),
    Column("highest", "to ", form=".4f", description="of the best network"),
)


def rows(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    """Return a row for the longer training, then one for each proxy."""
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
            "loss_tau": one.loss_agreement and one.loss_agreement.tau,
            "lowest": min(one.accuracies),
            "highest": max(one.accuracies),
        }
        for one in checked
    ]


def recommended(checked: Sequence[Checked], good: float = GOOD) -> Checked | None:
    """Return the cheapest proxy whose tau is at least `good`; None if there is none."""
    ranking = [one for one in checked if one.agreement and (one.agreement.tau or -1.0) >= good]
    return min(ranking, key=lambda one: one.seconds, default=None)


def verdict(checked: Sequence[Checked], good: float = GOOD) -> list[str]:
    """Return the result of a check in sentences. good: the tau from which a proxy counts as good."""
    given = checked[1]
    assert given.agreement is not None
    count = given.agreement.networks
    shown = given.agreement.low is not None and given.agreement.low > 0
    claim = (
        f"The proxy ranks {count} networks significantly like the longer training:"
        if shown
        else f"With {count} networks the check does not show that the proxy ranks like the longer training:"
    )
    lines = [
        f"{claim} {_tau(given.agreement)}; {_cost(given, checked)}. By validation loss: {_tau(given.loss_agreement)}."
    ]
    if len(checked) > 2:
        cheapest = recommended(checked, good)
        if cheapest is None:
            best = max(checked[1:], key=lambda one: (one.agreement and one.agreement.tau) or -1.0)
            lines.append(
                f"No proxy reaches {good:g}; the best is {best.name}, {_tau(best.agreement)}, at"
                f" {_cost(best, checked)}."
            )
        else:
            lines.append(
                f"The cheapest proxy that reaches {good:g} is {cheapest.name}, {_tau(cheapest.agreement)}, at"
                f" {_cost(cheapest, checked)}."
            )
    lines.append(
        "Each network has one seed, so chance lowers every tau. Intervals are over the choice of networks."
    )
    return lines


def _tau(agreement: Agreement | None) -> str:
    if agreement is None or agreement.tau is None:
        return "no tau, since all values of one ranking are equal"
    low, high = agreement.low, agreement.high
    interval = "" if low is None else f" ({CONFIDENCE:.0%} interval {low:.2f} to {high:.2f})"
    return f"tau {agreement.tau:.2f}{interval}"


def _cost(one: Checked, checked: Sequence[Checked]) -> str:
    share = one.seconds / checked[0].seconds
    return f"{one.seconds:.0f} s a network, {share:.0%} of the longer training's time"
