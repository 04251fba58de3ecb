"""What a run was made on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from search.data import Dataset
from space.timing.device import processor


def environment(data: Dataset) -> dict[str, Any]:
    """What a run was made on, for whoever wonders about its numbers."""
    packages = ("compound-nas", "torch", "optuna", "ray", "numpy", "scipy")
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
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
        },
        "skipped": list(data.skipped),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the source tree that this runs from, None where it is installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # Installed: a repository further up is somebody else's.
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
