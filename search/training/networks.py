"""What `search train WHAT` can be: a run, a trial, a published network, a canonical string, a file. No torch here."""

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
class Found:
    """A network to train. name: for a folder. run, trial: where it was searched. source: its images, where known.

    missing: of a model that was trained on images that its folder does not tell, the settings that would.
    """

    architecture: Architecture
    name: str
    run: str = ""
    trial: int | None = None
    source: Source | None = None
    missing: str = ""


def find(what: str) -> Found:
    """The network that `what` means; the first of these that it can be:

    a name in the catalog ("v2-s"); a canonical string; a model's folder, as `search train` and `scale --save` write
    them; a YAML or JSON file that describes one network; a run, for its best network, or a trial, "RUN:12".
    Raises `UserError` for anything else, naming the nearest.
    """
    from search.models.model import is_model
    from search.runs.run import open_run, runs, split

    if what in CATALOG:
        return Found(CATALOG[what].architecture, what)
    if re.match(r"r\d+_[^/]*/", what):
        network = decode(what)
        return Found(network, network.digest[:8])
    path = Path(what).expanduser()
    if is_model(path):
        return of_model(path)
    if what.endswith(_FILES):
        return Found(_described(path), path.stem)
    name, number = split(what)
    if "/" not in name and name not in runs() and not path.exists():
        raise unpublished("network or run", what, runs())
    run = open_run(name)
    trial = run.best if number is None else run.trial(number)
    return Found(
        trial.architecture, f"{run.path.name}-{trial.number}", run.name, trial.number, run.config.data
    )


def of_model(folder: Path) -> Found:
    """The network of a model in `folder`, with the images of its training, if that was made there.

    Raises `UserError` if there is no model.
    """
    from search.models.model import read_document
    from search.training.task import DOCUMENT, read_task

    told = read_document(folder)
    network, data = decode(told.architecture), told.provenance.data
    if (folder / DOCUMENT).is_file():
        return Found(network, folder.name, source=read_task(folder).source)
    return Found(network, folder.name, missing=_missing(data) if told.trained or data else "")


def _missing(data: str) -> str:
    if data not in DATASETS:
        return "data=NAME data.path=..."
    return f"data={data} data.path=..." if "path" in DATASETS[data].model_fields else f"data={data}"


def _described(path: Path) -> Architecture:
    """The network in a file that `scale --base` reads too."""
    try:
        document = documents.parse(path.read_text("utf-8"), str(path))
        space = Space.of(document, path.stem)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"Cannot read {path}: {getattr(error, 'strerror', 'it is not UTF-8 text')}."
        ) from None
    if space.choices:
        raise UserError(
            f"{path} is a search space: it leaves {len(space.choices)} choices open. Train one network."
        )
    return space.at(())
