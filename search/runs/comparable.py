"""The check that the rewards of two runs can be compared."""

from __future__ import annotations

from search.proxy.proxy import fidelity
from search.runs.run import Run, noted
from space import UserError


def require_comparable(run: Run, other: Run) -> None:
    """Raise `UserError` unless rewards in `run` and in `other` can be compared.

    They can be compared if both runs have the same space, images, proxy and reward. Paths of images may differ.
    """
    ours, theirs = task(run), task(other)
    for group, own in ours.items():
        # The images are unknown if a run's environment cannot be read. They then count as equal.
        if own != theirs[group] and (group != "images" or (own and theirs[group])):
            raise UserError(
                f"The runs {run.name} and {other.name} differ in {group}, so their rewards cannot be compared."
            )


def task(run: Run) -> dict[str, object]:
    """Return the values that two runs must have in common for comparable rewards, by group.

    The paths of the images and of their cache, and the device, are left out. "images" is None if they are unknown.
    """
    document = run.config.document()
    return {
        "space": document["space"],
        "data": run.config.data.model_dump(exclude={"path", "cache"}),
        "proxy": fidelity(run.config.proxy, ""),
        "reward": document["reward"],
        "images": noted(run.path, "digest"),
    }
