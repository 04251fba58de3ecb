"""The part of a page that says how to repeat a search."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from search.report.document import Code, Section, Terms, Texts
from search.report.findings import Findings


def again(found: Findings) -> Section:
    """The command, the versions that it ran with, and every setting."""
    run, environment = found.run, found.environment
    config = yaml.safe_dump(run.config.document(), sort_keys=False, width=100)
    return Section(
        "again",
        "How to repeat it",
        (
            Code(command(environment)),
            Texts(
                (
                    "A network, these settings and a seed give the same accuracy to the bit on a CPU. What is "
                    "proposed repeats too where no step time is measured (reward.w=0) and one worker is at work.",
                )
            ),
            Terms(tuple(_versions(environment))),
            Code(config, "Every setting, resolved (config.yaml)"),
        ),
    )


def command(environment: dict[str, Any]) -> str:
    """The command that began a run, as it would be typed; of one begun from Python, what to do instead.

    Without the run's name, which is taken.
    """
    words = [str(word) for word in environment.get("command", ()) if not str(word).startswith("run=")]
    if len(words) > 1 and words[1] == "launch":
        return shlex.join(["search", *words[1:]])
    if len(words) > 1 and words[1] == "fit":
        return shlex.join(["scale", *words[1:]])
    return "# begun from Python: search.launch(...) with the settings below"


def _versions(environment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Python", str(environment.get("python", "unknown"))
    for name, version in environment.get("versions", {}).items():
        if version:
            yield name, str(version)
    if environment.get("commit"):
        yield "commit", str(environment["commit"])
