"""The check that the rewards of two runs can be compared."""

from __future__ import annotations

from search.proxy.proxy import fidelity
from search.runs.run import Run, noted
from space import UserError


def require_comparable(run: Run, other: Run) -> None:
    """Raise `UserError` unless rewards in `run` and in `other` can be compared.

    They can if both have the same space, images, proxy and reward. The images may lie elsewhere.
    """
    ours, theirs = _compared(run), _compared(other)
    for group, own in ours.items():
        # Runs whose environment cannot be read do not know their images.
        if own != theirs[group] and (group != "images" or (own and theirs[group])):
            raise UserError(
                f"The runs {run.name} and {other.name} differ in {group}, so their rewards cannot be compared."
            )


def _compared(run: Run) -> dict[str, object]:
    document = run.config.document()
    return {
        "space": document["space"],
        "data": run.config.data.model_dump(exclude={"path", "cache"}),
        "proxy": fidelity(run.config.proxy, ""),
        "reward": document["reward"],
        "images": noted(run.path, "digest"),
    }
