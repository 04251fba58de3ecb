"""The conclusions of a comparison in sentences, from the rows of its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.compare.contender import RANDOM
from search.stats.confidence import CONFIDENCE
from search.tables.table import Row


def conclusions(table: Sequence[Row], left_out: Sequence[str] = (), looks: Sequence[str] = ()) -> list[str]:
    """Return the conclusions: a sentence on the accuracies of each level, and the meaning of intervals and split.

    table: the rows of `search.compare.table`, whose docstring explains levels. left_out: the reasons why networks are
    left out. looks: the dates of the evaluations on the test split.
    """
    lines = []
    for level in range(1 + max(row["level"] for row in table)):
        own = [row for row in table if row["level"] == level]
        lines.append(_answer(own))
        lines += [_paid(row) for row in own[1:] if row["what"] == RANDOM and row["n"] > 1]
    return [*lines, *left_out, *_notes(table[0], looks)]


def _answer(rows: Sequence[Row]) -> str:
    """Return a sentence that names the networks of a level that are more or less accurate than its lead.

    rows: the rows of the level, the lead's first.
    """
    lead = rows[0]
    begin = f"At {lead['bound']}, {lead['what']} ({lead['accuracy']:.4f}) is"
    if lead["n"] == 1:
        return (
            f"{begin} number {1 + sum(row['accuracy'] > lead['accuracy'] for row in rows[1:])} of {len(rows)} by "
            "accuracy; with one training each, every difference may be chance. Use seeds=3 or more."
        )
    words = (
        ("significantly more accurate than", lambda row: row["significant"] and row["difference"] < 0),
        ("significantly LESS accurate than", lambda row: row["significant"] and row["difference"] > 0),
        ("not significantly different from", lambda row: not row["significant"]),
    )
    parts = [
        f"{word} {_listed(names)}"
        for word, holds in words
        if (names := [f"{row['what']} ({row['accuracy']:.4f})" for row in rows[1:] if holds(row)])
    ]
    return f"{begin} {'; '.join(parts) or 'alone'}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]


def _notes(lead: Row, looks: Sequence[str]) -> Iterator[str]:
    n, images = lead["n"], f"{lead['images']:,} images of the {lead['split']} split"
    if n > 1:
        how = "paired image by image" if lead["paired"] else "as if each network had images of its own"
        yield (
            f"Intervals hold with {CONFIDENCE:.0%} for all pairs at the same cost at once (Tukey's test), over {n} "
            f"seeds and the choice of the {images}, {how}; those over seeds alone are in the table."
        )
    if lead["split"] == "validation":
        yield (
            "Networks that a search found, and learning rates where several were tried, were selected on these "
            "images too, which favours searched networks; split=test evaluates on images that selected nothing."
        )
    elif len(looks) == 1:
        yield f"The test split was evaluated once, on {looks[0]}."
    elif looks:
        yield (
            f"The test split was evaluated {len(looks)} times ({', '.join(looks)}); whatever was chosen after the "
            "first time may owe its accuracy to these images."
        )


def _paid(row: Row) -> str:
    if not row["significant"]:
        return (
            "The search did not pay significantly: its network and the best of the random search do not differ "
            "significantly in accuracy."
        )
    if row["difference"] < 0:
        return (
            "The search paid: its network is significantly more accurate than the best of the random search."
        )
    return "The search did NOT pay: the random search found a significantly more accurate network."
