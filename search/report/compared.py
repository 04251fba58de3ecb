"""The page, the section and the charts of a comparison of networks at equal cost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from search.compare.comparison import Compared
from search.compare.evaluation import read_looks
from search.compare.families import Area, Curve, SameAccuracy, areas, curves, same_accuracy
from search.compare.sentences import conclusions
from search.compare.table import COLUMNS, read, read_sentences, rows, write
from search.files import write_file
from search.report.axes import cost_axis, name_in_a_sentence
from search.report.document import Axis, Chart, Listing, Page, Section, Series, Texts
from search.report.palette import colour
from search.stats.confidence import CONFIDENCE
from search.tables.selection import filled
from search.tables.table import Column, Row
from space.cost.table import COSTS

DRAWN = ("latency", "step", "params")
"""The costs on the horizontal axes of the charts."""
_AREAS = (
    Column("family", "Family"),
    Column("area", "Area", form=".3f", description="accuracy above chance times doublings of the cost"),
    Column("low", "From", form=".3f", description="95% interval over seeds and images"),
    Column("high", "To", form=".3f"),
    Column("difference", "Area - first's", form="+.3f", description="mean difference, seed by seed"),
    Column(
        "half", "+-", form=".3f", description="half-width of its interval over seeds, for all pairs at once"
    ),
)


def write_comparison(compared: Compared) -> tuple[list[Row], list[str], list[Path]]:
    """Write the table and the conclusions of a comparison, and for families the figure and the page.

    Returns the rows of the table, the conclusions and the files.
    """
    plan, table = compared.plan, rows(compared)
    sentences = all_sentences(compared, table, [str(look["date"]) for look in read_looks(plan.out)])
    files = write(table, sentences, plan)
    if plan.drawn:
        from search.report.figures import draw_panels
        from search.report.render import html

        files += draw_panels([panel(compared, name) for name in DRAWN], plan.out / "accuracy")
        files.append(plan.out / "index.html")
        write_file(files[-1], html(compared_page(compared, table, sentences)))
    return table, sentences, files


def compared_section(folder: Path) -> Iterator[Section]:
    """Yield the section of the comparison in `folder` for the page of a run, if there is one."""
    table = read(folder)
    if table:
        texts = Texts(tuple(read_sentences(folder)) or tuple(conclusions(table)))
        yield Section(
            "worth", "Compared with other networks", (texts, Listing(filled(table, COLUMNS), table))
        )


def compared_page(compared: Compared, table: Sequence[Row], sentences: Sequence[str]) -> Page:
    """Return the page of a comparison of families. sentences: its conclusions."""
    first = compared.plan.leads[0].family
    charts = tuple(panel(compared, name) for name in DRAWN)
    listings = tuple(_area_listing(compared, name) for name in DRAWN)
    sections = (
        Section("curves", "Accuracy at equal cost", charts),
        Section("areas", "Area below the curves", listings),
        Section("networks", "Networks", (Listing(filled(table, COLUMNS), table),)),
    )
    made = f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')} from {compared.plan.out}"
    return Page(f"{first} compared", (("Conclusions", " ".join(sentences)),), sections, made)


def family_sentences(compared: Compared) -> list[str]:
    """Return sentences that compare the first family with every other family, by the first matched cost.

    They state the cost at which the first family is as accurate as another one, and compare the areas below the
    curves.
    """
    name = drawn_cost(compared)
    first, *others = family_curves(compared, name)
    lines = [_same(name, first.family, same_accuracy(first, other)) for other in others]
    measured = areas([first, *others], reference(compared, name))
    lines += [_area_sentence(name, first.family, measured)] if others else []
    return lines


def drawn_cost(compared: Compared) -> str:
    """Return the name of the cost by which sentences compare families: the first matched cost."""
    return compared.plan.matched[0]


def reference(compared: Compared, name: str) -> tuple[float, float]:
    """Return the reference point of the areas below curves. No training changes it.

    It is a pair of the accuracy of chance, 0 to 1, and twice the largest cost `name` of the networks in `plan.leads`,
    in the unit of the cost.
    """
    leads = [one for one in compared.every if one.contender in compared.plan.leads]
    return 1 / leads[0].contender.architecture.classes, 2 * max(compared.cost(name, one) for one in leads)


def family_curves(compared: Compared, name: str) -> list[Curve]:
    """Return the curve of each family by the cost `name`. The family of the first lead comes first."""
    return curves(compared.every, [compared.cost(name, one) for one in compared.every])


def panel(compared: Compared, name: str) -> Chart:
    """Return the chart of accuracy against the cost `name`, with a curve for each family.

    With two seeds or more, each family also has a band from its lowest to its highest accuracies.
    """
    series: list[Series] = []
    for number, one in enumerate(family_curves(compared, name)):
        place = colour(number)
        series.append(Series(one.family, "line", one.costs, one.means, colour=place, dashed=number > 7))
        labels = tuple(f"{member}: {mean:.4f}" for member, mean in zip(one.names, one.means, strict=True))
        series.append(Series(one.family, "points", one.costs, one.means, labels=labels, colour=place))
        if len(one.accuracies[0]) > 1:
            lows, highs = tuple(map(min, one.accuracies)), tuple(map(max, one.accuracies))
            series.append(Series(one.family, "band", one.costs, lows, highs=highs, colour=place))
    split = compared.plan.settings.split
    n = compared.plan.settings.seeds
    return Chart(
        f"accuracy-{name}",
        f"Accuracy against {name_in_a_sentence(name)}",
        cost_axis(name),
        Axis(f"Accuracy on {split}", form=".2f"),
        tuple(series),
        f"Trainings of each network: {n}. Points are their means; bands reach from the lowest to the highest.",
    )


def _area_listing(compared: Compared, name: str) -> Listing:
    families = family_curves(compared, name)
    chance, largest = reference(compared, name)
    table: list[Row] = [
        {
            "family": area.family,
            "area": area.value,
            "low": area.low,
            "high": area.high,
            "difference": area.difference.mean if area.difference else None,
            "half": area.difference.half if area.difference else None,
        }
        for area in areas(families, (chance, largest))
    ]
    row = COSTS[name]
    note = (
        f"Areas are measured by {name}, on a logarithmic axis, above an accuracy of {chance:.3f} and below "
        f"{row.text(largest)}."
    )
    return Listing(_AREAS, table, note)


def _same(name: str, first: str, same: SameAccuracy) -> str:
    target = f"the accuracy of {same.name} ({same.accuracy:.4f} at {COSTS[name].text(same.cost)} {name})"
    if same.ratio is None:
        return f"{first} does not reach {target}."
    less = " or less" if same.bound else ""
    high = "no bound" if same.high == float("inf") else f"{same.high:.2f}"
    interval = f"{CONFIDENCE:.0%} interval {same.low:.2f} to {high}"
    return f"{first} has {target} at {same.ratio:.2f} times that {name}{less} ({interval})."


def _area_sentence(name: str, first: str, measured: Sequence[Area]) -> str:
    words = (
        *("significantly larger than", "significantly SMALLER than", "not significantly different from"),
        "of unknown significance compared with",
    )
    groups: dict[str, list[str]] = {word: [] for word in words}
    for area in measured[1:]:
        assert area.difference
        known = 3 if area.difference.half is None else 2
        place = int(area.difference.mean > 0) if area.difference.significant else known
        groups[words[place]].append(area.family)
    parts = [f"{word} that of {', '.join(names)}" for word, names in groups.items() if names]
    own = measured[0]
    return (
        f"The area below the curve of {first} by {name} is {own.value:.3f} ({CONFIDENCE:.0%} interval {own.low:.3f} "
        f"to {own.high:.3f}), {'; '.join(parts)}."
    )


def all_sentences(compared: Compared, table: Sequence[Row], looks: Sequence[str]) -> list[str]:
    """Return all conclusions of a comparison.

    table: the rows of the comparison. looks: the dates of the evaluations on the test split.
    """
    single = conclusions(table, compared.lineup.left_out, looks)
    return [*family_sentences(compared), *single] if compared.plan.drawn else single
