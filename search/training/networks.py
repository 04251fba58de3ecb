"""The network that `search train` trains, with its run and its images where they are known. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.data.dataset import DATASETS
from search.data.source import Source
from search.models.model import read_document
from search.runs.networks import find_network
from search.training.task import DOCUMENT, read_task
from space import Architecture, decode


@dataclass(frozen=True, slots=True)
class NetworkToTrain:
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


def network_to_train(word: str) -> NetworkToTrain:
    """Return the network that `word` means: see `search.runs.networks.find_network`, which raises `UserError`."""
    found = find_network(word)
    if found.model:
        return network_of_model(found.model)
    if found.run and found.trial:
        run, trial = found.run, found.trial
        return NetworkToTrain(found.architecture, found.name, run.name, trial.number, run.config.data)
    return NetworkToTrain(found.architecture, found.name)


def network_of_model(folder: Path) -> NetworkToTrain:
    """Return the network of the model in `folder`, with the images of its training, if that was carried out there.

    Raises `UserError` if there is no model.
    """
    document = read_document(folder)
    network, data = decode(document.architecture), document.provenance.data
    if (folder / DOCUMENT).is_file():
        return NetworkToTrain(network, folder.name, source=read_task(folder).source)
    return NetworkToTrain(network, folder.name, missing=_missing(data) if document.trained or data else "")


def _missing(data: str) -> str:
    if data not in DATASETS:
        return "data=NAME data.path=..."
    return f"data={data} data.path=..." if "path" in DATASETS[data].model_fields else f"data={data}"
