"""The network that `search train` trains, with its run and its images where they are known.

This module does not import torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.data.dataset import DATASETS
from search.data.source import Source
from search.models.model import Provenance, is_model, read_document
from search.models.onnx_reading import Metadata
from search.runs.names import CONFIG, runs
from search.runs.networks import find_network
from search.runs.run import open_run
from search.training.task import DOCUMENT, read_task
from space import CATALOG, Architecture, UserError, decode

_SHOWN = 5
"""The number of members of a family that an error message names."""


@dataclass(frozen=True, slots=True)
class NetworkToTrain:
    """A network, with its origin as far as it is known.

    name: a name for folders. run, trial: the run and the trial of a network that is named by its run; "" and None
    for others. source: the source of its images, None if unknown. missing: the settings that the user must add, such
    as "data=NAME data.path=...", for a model with an unknown source that is trained or whose kind of data is known;
    else "". digest: the digest of the data that a model was trained on, at the network's resolution; "" if unknown.
    The images of `source` can differ from these data: they may have changed, or belong to the run from which the
    model derives.
    """

    architecture: Architecture
    name: str
    run: str = ""
    trial: int | None = None
    source: Source | None = None
    missing: str = ""
    digest: str = ""


def network_to_train(word: str) -> NetworkToTrain:
    """Return the network that `word` means, see `search.runs.networks.find_network`.

    Raises the errors of that function, and `UserError` for a folder of several models.
    """
    _refuse_family(word)
    found = find_network(word)
    if found.model:
        return network_of_model(found.model)
    if found.run and found.trial:
        run, trial = found.run, found.trial
        return NetworkToTrain(found.architecture, found.name, run.name, trial.number, run.config.data)
    return NetworkToTrain(found.architecture, found.name)


def network_of_model(folder: Path) -> NetworkToTrain:
    """Return the network of the model in `folder`, with the images of its training or of the run it derives from.

    If the images are unknown, `missing` may name settings, see `NetworkToTrain`. Raises `UserError` if there is no
    model.
    """
    document = read_document(folder)
    network, origin = decode(document.architecture), document.provenance
    if (folder / DOCUMENT).is_file():
        source = read_task(folder).source
        return NetworkToTrain(network, folder.name, source=source, digest=origin.data_digest)
    return _of_origin(network, folder.name, origin, document.trained)


def network_of_metadata(facts: Metadata) -> NetworkToTrain:
    """Return the network of an exported file, with the images of the run that it derives from, if they are known.

    If the images are unknown, `missing` may name settings, see `NetworkToTrain`.
    """
    return _of_origin(decode(facts.architecture), facts.name, facts.provenance, facts.trained)


def _of_origin(network: Architecture, name: str, origin: Provenance, trained: bool) -> NetworkToTrain:
    if origin.run and origin.run in runs():
        # The digest of an untrained network is that of the data at the proxy's resolution.
        digest = origin.data_digest if trained else ""
        return NetworkToTrain(network, name, source=open_run(origin.run).config.data, digest=digest)
    missing = _missing(origin.data) if trained or origin.data else ""
    return NetworkToTrain(network, name, missing=missing)


def _refuse_family(word: str) -> None:
    """Raise `UserError` for a folder of several models, as `scale --save` writes it; the message names them."""
    folder = Path(word).expanduser()
    if word in CATALOG or not folder.is_dir() or is_model(folder) or (folder / CONFIG).is_file():
        return
    members = sorted(path.name for path in folder.iterdir() if is_model(path))
    if members:
        shown = ", ".join(f"{word.rstrip('/')}/{name}" for name in members[:_SHOWN])
        more = f" and {len(members) - _SHOWN} more" if len(members) > _SHOWN else ""
        raise UserError(f"{word} holds {len(members)} networks; train one of them: {shown}{more}.")


def _missing(data: str) -> str:
    if data not in DATASETS:
        return "data=NAME data.path=..."
    return f"data={data} data.path=..." if "path" in DATASETS[data].model_fields else f"data={data}"
