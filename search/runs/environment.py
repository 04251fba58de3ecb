"""The environment of a run: versions, machine and data."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from search.data import Dataset
from search.files import write_file
from search.runs.run import ENVIRONMENT
from space.timing.device import processor

PACKAGES = ("compound-nas", "torch", "optuna", "ray", "numpy", "scipy", "pillow")


def environment(data: Dataset) -> dict[str, Any]:
    """Return the start time, the command line, the machine, the versions, the commit and the data of a run.

    They help to explain the run's numbers later. All values can be written as JSON.
    """
    return {
        "started": _now(),
        "command": sys.argv,
        "python": platform.python_version(),
        "versions": _versions(),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "commit": _commit(),
        "data": {
            "name": data.name,
            "digest": data.digest,
            "classes": list(data.classes),
            "train": len(data.train),
            "validation": len(data.validation),
            "effective_validation": data.effective_images(),
        },
        "skipped": list(data.skipped),
    }


def resumed_with(path: Path, note: Callable[[str], None]) -> None:
    """Record the library versions in the environment of the run at `path` if they have changed since its last driver.

    The new versions are appended to the list "resumes"; the first versions stay. `note` is called with the changes in
    words. A run without a readable environment is left as it is.
    """
    try:
        recorded = json.loads((path / ENVIRONMENT).read_text("utf-8"))
        resumes = recorded.setdefault("resumes", [])
        before = {**recorded["versions"], **(resumes[-1]["versions"] if resumes else {})}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return
    now = {name: version for name, version in _versions().items() if name in before}
    changed = {name: (before[name], version) for name, version in now.items() if before[name] != version}
    if not changed:
        return
    resumes.append({"started": _now(), "versions": now})
    write_file(path / ENVIRONMENT, json.dumps(recorded, indent=1) + "\n")
    listed = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in changed.items())
    note(f"resumed with other versions: {listed}; step times and accuracies may differ slightly")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _versions() -> dict[str, str | None]:
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the source tree of this package; None if it is installed, or git gives none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # The package is installed: a repository above it is another project's.
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
