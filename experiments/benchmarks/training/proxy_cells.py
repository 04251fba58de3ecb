"""The cells (spaces with data) and candidates (proxies) of `proxy_table`, and the order of their trainings."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from search.proxy.proxy import Precision, Proxy
from space import Architecture, Space, cost

LONG = "long"
COST = "cost"
LONG_SEEDS = (11, 12)
PROXY_SEEDS = (0, 1)


@dataclass(frozen=True, slots=True)
class Cell:
    """A space on a data set. settings: the settings of `search launch`, without the path of the data.

    networks: the number of networks that are trained. long_seeds: the seeds of each network's long trainings. macs:
    the least and the most multiply-adds of the networks, in millions. images, validation_images: the largest numbers
    of images that all trainings use; None: all images.
    """

    settings: Mapping[str, object]
    networks: int = 24
    long_seeds: tuple[int, ...] = LONG_SEEDS
    macs: tuple[float, float] = (4, 20)
    images: int | None = None
    validation_images: int | None = None


CELLS: dict[str, Cell] = {
    "effv2_32": Cell({"space": "effv2_32", "data": "npz"}),
    "effv2_32-again": Cell({"space": "effv2_32", "data": "npz"}, 24, (11,)),
    "mobile": Cell({"space": "mobile", "data": "npz"}, 12, (11,)),
    "fashion": Cell(
        {"space": "effv2_32", "data": "fashion_mnist"}, 12, (11,), images=9600, validation_images=2400
    ),
    "shapes-64px": Cell(
        {
            "space": "effv2_32",
            "space.resolution": 64,
            "space.stem.stride": 2,
            "data": "shapes",
            "data.images": 4000,
        },
        12,
        (11,),
    ),
}
"""The cells by name. The drawn networks depend on the name, so `effv2_32-again` and `effv2_32` differ."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proxy. width: the factor of all widths. stem_stride: the stride of the stem; None: the network's own.

    part: the share of the training images. progressive: True for smaller images at first, see `SMALL_SIZE` and
    `SMALL_STEPS` in `proxy_table`.
    """

    width: float = 1.0
    stem_stride: int | None = None
    epochs: int = 10
    part: float = 1.0
    progressive: bool = False

    @property
    def name(self) -> str:
        """The name, such as w0.25-s2-e3 for the width, the stride of the stem and the epochs."""
        parts = [f"w{self.width:g}", "own" if self.stem_stride is None else f"s{self.stem_stride}"]
        parts += [f"e{self.epochs}"]
        parts += [f"part{self.part:g}"] * (self.part < 1) + ["progressive"] * self.progressive
        return "-".join(parts)

    def proxy(self, cell: Cell, images: int, precision: Precision = "float32") -> Proxy:
        """Return the proxy settings of this candidate. images: the number of training images that there are."""
        count = min(cell.images or images, images)
        return Proxy(
            resolution=None,
            width=self.width,
            stem_stride=self.stem_stride,
            epochs=self.epochs,
            images=round(self.part * count),
            validation_images=cell.validation_images,
            step_pixels=None,
            precision=precision,
        )


REAL = Candidate()
CORE = (
    Candidate(0.25, 2, 3),
    Candidate(0.25, None, 3),
    Candidate(0.5, 2, 4),
    Candidate(0.5, None, 2),
    Candidate(1, 2, 3),
    Candidate(1, None, 1),
    Candidate(1, None, 2, part=0.5),
)
"""The candidates that cost about a tenth of a long training."""
REST = tuple(
    candidate
    for candidate in (
        *(Candidate(w, s, e) for w in (1, 0.5, 0.25) for s in (None, 2) for e in (2, 3, 4)),
        *(Candidate(1, None, e, progressive=True) for e in (1, 2, 3)),
        Candidate(1, None, 4, part=0.5),
        Candidate(0.5, None, 3, progressive=True),
    )
    if candidate not in CORE
)
CANDIDATES = {candidate.name: candidate for candidate in (*CORE, *REST)}


@dataclass(frozen=True, slots=True)
class Task:
    """One training, or the timing of its steps.

    kind: `LONG` or a name of `CANDIDATES`; for a timing, either of them after "cost ", such as "cost long". data: the
    path of the data, "" if the cell needs none.
    """

    cell: str
    network: str
    kind: str
    seed: int
    data: str = field(compare=False, default="")
    device: str = field(compare=False, default="cpu")
    precision: Precision = field(compare=False, default="float32")


def draw(name: str) -> list[Architecture]:
    """Return the networks of the cell `name`, in the order in which they are trained."""
    cell = CELLS[name]
    space = Space.load(str(cell.settings["space"]), _inner(cell.settings, "space."))
    rng = random.Random(f"proxy table {name}")
    low, high = (1e6 * millions for millions in cell.macs)
    chosen: dict[Architecture, None] = {}
    while len(chosen) < cell.networks:
        network = space.at(space.sample(rng))
        if low <= cost(network).macs <= high:
            chosen[network] = None
    return list(chosen)


def _inner(settings: Mapping[str, object], prefix: str) -> dict[str, object]:
    return {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}


def tasks(name: str, only: str | None = None, chosen: Iterable[str] | None = None) -> list[Task]:
    """Return the trainings of a cell in order: four passes over all networks, for two groups of candidates and seeds.

    only: "long" or "proxies" to return only these trainings, "cost" for the timings instead, in one pass. chosen: the
    names of candidates; None: all.
    """
    permitted = set(CANDIDATES) if chosen is None else set(chosen)
    networks = [str(network) for network in draw(name)]
    core, rest = ([c.name for c in group if c.name in permitted] for group in (CORE, REST))
    if only == COST:
        kinds = [[(f"{COST} {kind}", 0) for kind in (LONG, *core, *rest)]]
    else:
        cell, kinds = CELLS[name], []
        for group in (core, rest):
            for place, seed in enumerate(PROXY_SEEDS):
                long = cell.long_seeds[place : place + 1] if group is core else ()
                kinds.append([*((LONG, s) for s in long), *((kind, seed) for kind in group)])
        keep = {"long": lambda kind: kind == LONG, "proxies": lambda kind: kind != LONG}.get(only or "")
        kinds = [[pair for pair in group if keep is None or keep(pair[0])] for group in kinds]
    return [Task(name, n, kind, seed) for group in kinds for n in networks for kind, seed in group]
