"""All contenders of a comparison: the leads with their rivals, and the best network of a random search.

A lead is a network to whose costs others are matched. A level is a lead together with these others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from search.compare.contender import RANDOM, Contender
from search.compare.costs import Costs, Note
from search.compare.plan import Plan, networks
from search.files import write_file
from search.runs.run import Run
from space.catalog.matching import NARROWEST, CostOf, Match, match_of, measured_rival
from space.cost.table import COSTS

CONTENDERS = "contenders.json"


@dataclass(frozen=True, slots=True)
class Lineup:
    """The contenders of a comparison, level by level: each lead, then the networks that are compared with it.

    left_out: the reasons why networks are left out, in sentences. bounds: the costs of each lead, in words.
    """

    contenders: tuple[Contender, ...]
    left_out: tuple[str, ...]
    bounds: tuple[str, ...]


def lineup(plan: Plan, random: Run | None, costs: Costs, note: Note, file: Path | None = None) -> Lineup:
    """Return all contenders of the comparison.

    random: the finished random search, None for none. costs: the costs of networks. note: a function that receives
    lines about the progress. file: the file that matched networks are read from and written to; None for no file.
    Rivals in this file are reused, even if measured times differ now.
    """
    before = _read(file)
    contenders: list[Contender] = []
    left_out: list[str] = []
    bounds = []
    for level, lead in enumerate(plan.leads):
        match = match_of(lead.architecture, plan.matched, costs)
        bounds.append(_words(match))
        contenders.append(lead)
        if level == 0 and random is not None:
            earlier = before.get((RANDOM, level))
            # If the random search has continued since then, it can have a better network.
            known = earlier and earlier.run == random.name and earlier.origin.endswith(_among(random))
            best = earlier if earlier and known else _best_of_random(random, match)
            if isinstance(best, str):
                left_out.append(best)
            else:
                contenders.append(best)
        contenders += plan.others if level == 0 else ()
        for name in plan.settings.networks:
            if (name, level) not in before:
                note(f"matching {name} to {lead.name}")
            found = before.get((name, level)) or _rival(name, level, lead, match, costs.guess)
            if isinstance(found, str):
                left_out.append(found)
            else:
                contenders.append(found)
    if file:
        matched = {(one.name, one.level): one for one in contenders if one.share is not None}
        saved = [one.document() for one in {**before, **matched}.values()]
        write_file(file, json.dumps(saved, indent=1) + "\n")
    return Lineup(tuple(contenders), tuple(dict.fromkeys(left_out)), tuple(bounds))


def _read(file: Path | None) -> dict[tuple[str, int], Contender]:
    """Return the matched networks of an earlier comparison by (name, level); {} if there is no file."""
    if not file or not file.exists():
        return {}
    every = (Contender.of_document(values) for values in json.loads(file.read_text("utf-8")))
    return {(one.name, one.level): one for one in every if one.share is not None}


def _rival(name: str, level: int, lead: Contender, match: Match, guess: CostOf) -> Contender | str:
    network = measured_rival(name, lead.architecture, match, guess)
    if network is None:
        return f"{name} is left out at the cost of {lead.name}: it would need widths under {NARROWEST}."
    if network.architecture == lead.architecture:
        return f"{name} is left out at the cost of {lead.name}: it is the same network."
    return Contender(name, network.architecture, str(network), name, level, network.share)


def _best_of_random(random: Run, match: Match) -> Contender | str:
    """Return the best network of a random search within the same costs, or a sentence that says why there is none."""
    verdict = random.verdict
    for trial in verdict.standing if verdict else random.ranked:
        share = match.share(trial.architecture)
        if share <= 1:
            origin = f"{random.name}:{trial.number}{_among(random)}"
            return Contender(RANDOM, trial.architecture, origin, RANDOM, 0, share, random.name, trial.number)
    return (
        f"{RANDOM} is left out: none of the {networks(random)} networks of {random.name} is within the cost."
    )


def _among(random: Run) -> str:
    """Return the end of the origin of a random search's best network: ", of N", where N counts all its networks."""
    return f", of {networks(random)}"


def _words(match: Match) -> str:
    """Return the bounds on the costs of rivals in words, such as "5.1 ms latency and 166,000 params"."""
    return " and ".join(f"{COSTS[name].text(amount)} {name}" for name, amount in match.bounds.items())


def levels(every: tuple[Contender, ...]) -> Iterator[list[Contender]]:
    """Yield the contenders of each level, from level 0 to the highest.

    A level without contenders gives an empty list.
    """
    for level in range(1 + max((one.level for one in every), default=-1)):
        yield [one for one in every if one.level == level]
