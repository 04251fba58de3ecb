"""How a trial says that it, and not the machine, is to blame."""

from __future__ import annotations


class TrialFailed(Exception):
    """A network that cannot be trained as asked: it diverged, say. The same trial would fail again.

    Everything else that an evaluation raises is the machine's fault, and worth another attempt.
    """
