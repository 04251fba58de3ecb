"""The rivals of `search compare`, scaled to several limits: the cost that each leaves unused, its widths and blocks.

    python experiments/benchmarks/cost/rivals.py --resolution 32 params=200k macs=14M params=1M,macs=60M

Rivals are published networks. None is trained. Their total stride is at most `search.engine.around.Frame.stride`. The
last line has the CPU seconds that scaling all rivals to each limit took.
"""

from __future__ import annotations

import argparse
import time

from search.compare.settings import DEFAULTS
from search.engine.around import Frame
from search.tables.table import Column, Row
from search.tables.writing import render
from space import cost, documents, published
from space.catalog.matching import Match, narrowest, rival
from space.cost.table import exact_cost, parse_amount

COLUMNS = (
    Column("limit", "Limit"),
    Column("name", "Rival"),
    Column("left", "Cost left", form=".1%", description="share of the limit; negative: the rival exceeds it"),
    Column("blocks", "Blocks", form="d"),
    Column("published", "Published", form="d", description="number of blocks of the published network"),
    Column("narrowest", "Narrowest", form="d", description="the smallest width of stem, stages and head"),
    Column("widest", "Widest stage", form="d"),
    Column("divisor", "Widths divide by", form="d"),
    Column("params", "Params", form="si"),
    Column("macs", "MACs", form="si"),
)


def limits(text: str) -> dict[str, float]:
    """Return the amount of each cost in a limit such as "params=1M,macs=60M", by the name of the cost."""
    return {name: parse_amount(name, amount) for name, amount in (one.split("=") for one in text.split(","))}


def table(texts: list[str], frame: Frame) -> tuple[list[Row], list[float]]:
    """Return a row for each limit and rival, and for each limit the CPU seconds of scaling all rivals to it."""
    rows: list[Row] = []
    seconds: list[float] = []
    for text in texts:
        match, begun = Match(limits(text), exact_cost), time.process_time()
        for name in str(documents.read(*DEFAULTS)["networks"]).split(","):
            one = rival(name, frame, match)
            if one is None:
                rows.append({"limit": text, "name": f"{name}: left out"})
                continue
            network = one.architecture
            rows.append(
                {
                    "limit": text,
                    "name": name,
                    "left": one.left,
                    "blocks": network.depth,
                    "published": published(name).architecture.depth,
                    "narrowest": narrowest(network),
                    "widest": max(stage.width for stage in network.stages),
                    "divisor": one.divisor,
                    "params": cost(network).params,
                    "macs": cost(network).macs,
                }
            )
        seconds.append(time.process_time() - begun)
    return rows, seconds


def main() -> None:
    """Print the table as Markdown, and the CPU seconds of each limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("limits", nargs="*", default=["params=200k", "macs=14M", "params=1M,macs=60M"])
    parser.add_argument("--resolution", type=int, default=32)
    arguments = parser.parse_args()
    rows, seconds = table(arguments.limits, Frame(arguments.resolution, channels=3, classes=10))
    print(render(rows, COLUMNS, "md"))
    print("seconds:", ", ".join(f"{one:.1f}" for one in seconds))


if __name__ == "__main__":
    main()
