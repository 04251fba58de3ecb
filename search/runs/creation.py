"""The folder of a new run, which is complete or does not exist."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from search.data import Dataset
from search.files import numbered, write_file
from search.runs.environment import environment
from search.runs.names import CONFIG, RUNS
from search.runs.run import ENVIRONMENT, LEDGER
from search.trials.ledger import Ledger
from space import UserError, documents


def create(
    name: str, document: documents.Document, data: Dataset, files: Mapping[str, str | bytes] | None = None
) -> Path:
    """Create the folder of a new run with its configuration and `files`, complete or not at all, and return it.

    Raises `UserError` if the user gave the run a name that another run has, and if the folder cannot be written.
    """
    free_name(document.get("run"))
    path, draft = RUNS / name, None
    try:
        RUNS.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=RUNS))
        draft.chmod(0o755)
        for file, content in (files or {}).items():
            write_file(draft / file, content)
        Ledger(draft / LEDGER).close()  # Every run begins with a ledger, so a missing one has been lost.
        write_file(draft / ENVIRONMENT, json.dumps(environment(data), indent=1) + "\n")
        path = _renamed(draft, path, document)
    except OSError as error:
        raise UserError(f"Cannot create {path}: {error.strerror or error}.") from None
    finally:
        if draft is not None and draft.exists():
            shutil.rmtree(draft, ignore_errors=True)
    return path


def _renamed(draft: Path, path: Path, document: documents.Document) -> Path:
    """Rename the folder of a new run to `path`, and return its path.

    If another process has created a run of that name meanwhile, the next free name is taken. If the user gave the
    name, `UserError` is raised instead.
    """
    for candidate in numbered(path):
        write_file(draft / CONFIG, config_text(document | {"run": candidate.name}))
        try:
            os.rename(draft, candidate)  # Fails if the run exists, since its folder is not empty.
            return candidate
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        free_name(document.get("run"))
    raise AssertionError


def free_name(name: str | None) -> str | None:
    """Return `name`, the name that the user gave a new run, or None. Raises `UserError` if a run has that name."""
    if name is not None and (RUNS / name).exists():
        raise UserError(
            f"The run {name} exists. Continue it with: search resume {name}. Or choose another run=NAME."
        )
    return name


def config_text(document: documents.Document) -> str:
    """Return the text of `CONFIG`, the file with the configuration of a run."""
    return yaml.safe_dump(document, sort_keys=False, width=110)
