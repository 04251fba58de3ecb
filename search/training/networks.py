"""The network that a word on the command line names: published, of a run, of a model, in a file. No torch here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from search.data.dataset import DATASETS
from search.data.source import Source
from space import CATALOG, Architecture, Space, UserError, decode, documents
from space.catalog import unpublished

_FILES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class NamedNetwork:
    """A network with what its word says about it.

    name: for a folder. run, trial: where it was searched. source: its images, where known. missing: the settings that
    would give the images of a trained model whose folder does not tell them.
    """

    architecture: Architecture
    name: str
    run: str = ""
    trial: int | None = None
    source: Source | None = None
    missing: str = ""


def named_network(word: str) -> NamedNetwork:
    """Return the network that `word` names, the first of these that exists:

    a name in the catalog ("v2-s"); a canonical string; the folder of a model, as `search train` and `scale --save`
    write it; a YAML or JSON file that describes one network; a run, for its best network, or a trial, "RUN:12".
    Raises `UserError` for anything else, naming the nearest.
    """
    from search.models.model import is_model
    from search.runs.run import open_run, runs, split

    if word in CATALOG:
        return NamedNetwork(CATALOG[word].architecture, word)
    if re.match(r"r\d+_[^/]*/", word):
        network = decode(word)
        return NamedNetwork(network, network.digest[:8])
    path = Path(word).expanduser()
    if is_model(path):
        return network_of_model(path)
    if word.endswith(_FILES):
        return NamedNetwork(_read(path), path.stem)
    name, number = split(word)
    if "/" not in name and name not in runs() and not path.exists():
        raise unpublished("network or run", word, runs())
    run = open_run(name)
    trial = run.best if number is None else run.trial(number)
    return NamedNetwork(
        trial.architecture, f"{run.path.name}-{trial.number}", run.name, trial.number, run.config.data
    )


def network_of_model(folder: Path) -> NamedNetwork:
    """Return the network of the model in `folder`, with the images of its training, if that was carried out there.

    Raises `UserError` if there is no model.
    """
    from search.models.model import read_document
    from search.training.task import DOCUMENT, read_task

    document = read_document(folder)
    network, data = decode(document.architecture), document.provenance.data
    if (folder / DOCUMENT).is_file():
        return NamedNetwork(network, folder.name, source=read_task(folder).source)
    return NamedNetwork(network, folder.name, missing=_missing(data) if document.trained or data else "")


def _missing(data: str) -> str:
    if data not in DATASETS:
        return "data=NAME data.path=..."
    return f"data={data} data.path=..." if "path" in DATASETS[data].model_fields else f"data={data}"


def _read(path: Path) -> Architecture:
    """Return the network in a file, which `scale --base` reads too."""
    try:
        document = documents.parse(path.read_text("utf-8"), str(path))
        space = Space.of(document, path.stem)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "it is not UTF-8 text")
        raise UserError(f"Cannot read {path}: {reason}.") from None
    if space.choices:
        raise UserError(
            f"{path} is a search space: it leaves {len(space.choices)} choices open. Train one network."
        )
    return space.at(())
