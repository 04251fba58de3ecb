"""Networks of searches and models, as bases to scale."""

from __future__ import annotations

from search.models.model import UNKNOWN, Provenance, read_document
from search.runs.names import is_run, runs, split
from search.runs.networks import find_network
from search.runs.run import Run, open_run
from space import Architecture, UserError
from space.catalog import unpublished
from space.choices.named_networks import FORMS, named_network


def trained_network(word: str) -> tuple[str, Architecture]:
    """Return the name and the network of a run ("RUN", "RUN:best"), a trial ("RUN:12") or the folder of a model.

    Raises `UserError` for an answer of an unfinished run, for a trial that is not complete, and for any other word.
    """
    if not word:
        raise unpublished("base", word, runs(), forms=(*FORMS, "RUN", "RUN:NUMBER"))
    name, which = split(word)
    if is_run(name) and not isinstance(which, int):
        _require_finished(open_run(name), name)
    found = find_network(word, "base")
    if found.run and found.trial and found.trial.terms is None:
        raise UserError(
            f"Trial {which} of the run {found.run.name} is {found.trial.state}; a base must be a complete trial."
        )
    if found.run and which is None:
        return found.run.path.name, found.architecture
    return found.name, found.architecture


def provenance_of(word: str) -> Provenance:
    """Return the provenance of networks that are scaled from `word`: its run, and the kind of data they are for.

    The result is `UNKNOWN` if `word` means neither a run nor a model. Raises `UserError` if it means no network.
    """
    if named_network(word):
        return UNKNOWN
    found = find_network(word, "base")
    if found.run:
        return Provenance(run=found.run.name, origin=f"scaled from {word}", data=found.run.config.data.source)
    if found.model:
        origin = read_document(found.model).provenance
        return Provenance(run=origin.run, origin=f"scaled from {word}", data=origin.data)
    return UNKNOWN


def _require_finished(run: Run, name: str) -> None:
    if not run.over:
        finish = f"It runs in {run.driver}: wait until it ends" if run.driver else f"Finish it: {run.go_on}"
        example = f"; or name a trial: {name}:{run.ranked[0].number}" if run.ranked else ""
        raise UserError(f"The run {run.name} is unfinished. {finish}{example}")
