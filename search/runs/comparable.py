"""The check that the rewards of two runs can be compared."""

from __future__ import annotations

from search.proxy.proxy import fidelity
from search.runs.run import Run, noted
from space import UserError


def require_comparable(run: Run, other: Run) -> None:
    """Raise `UserError` unless rewards in `run` and in `other` can be compared.

    They can if both have the same space, images, proxy and reward. The images may lie elsewhere.
    """
    ours, theirs = task(run), task(other)
    for group, own in ours.items():
        # Runs whose environment cannot be read do not know their images.
        if own != theirs[group] and (group != "images" or (own and theirs[group])):
            raise UserError(
                f"The runs {run.name} and {other.name} differ in {group}, so their rewards cannot be compared."
            )


def task(run: Run) -> dict[str, object]:
    """Return what two runs must have in common for comparable rewards, as values that can be compared by group.

    The places of images and of their cache, and the device, do not count. "images" is None where they are unknown.
    """
    document = run.config.document()
    return {
        "space": document["space"],
        "data": run.config.data.model_dump(exclude={"path", "cache"}),
        "proxy": fidelity(run.config.proxy, ""),
        "reward": document["reward"],
        "images": noted(run.path, "digest"),
    }
