"""The section of a page about repeating the search."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from search.report.document import Code, Section, Terms, Texts
from search.report.findings import Findings


def repeating(results: Findings) -> Section:
    """Return the section with the command, the versions of packages, and every setting."""
    run, environment = results.run, results.environment
    config = yaml.safe_dump(run.config.document(), sort_keys=False, width=100)
    return Section(
        "again",
        "How to repeat it",
        (
            Code(command(environment)),
            Texts(
                (
                    "On one CPU, the same network, settings and seed give the same accuracy to the bit. With one "
                    "worker and without measured step times (reward.w=0), the sequence of proposals repeats, too.",
                )
            ),
            Terms(tuple(_versions(environment))),
            Code(config, "Every setting, resolved (config.yaml)"),
        ),
    )


def command(environment: dict[str, Any]) -> str:
    """Return the command that started a run, without run=NAME, since the name is taken; a comment for Python runs."""
    words = [str(word) for word in environment.get("command", ()) if not str(word).startswith("run=")]
    if len(words) > 1 and words[1] == "launch":
        return shlex.join(["search", *words[1:]])
    if len(words) > 1 and words[1] == "fit":
        return shlex.join(["scale", *words[1:]])
    return "# started from Python: search.launch(...) with the settings below"


def _versions(environment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Python", str(environment.get("python", "unknown"))
    for name, version in environment.get("versions", {}).items():
        if version:
            yield name, str(version)
    if environment.get("commit"):
        yield "commit", str(environment["commit"])
