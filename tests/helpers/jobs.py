"""A job for worker processes, which must be able to import it; they cannot import test modules.

Also an executor that stands for other machines.
"""

import os
from dataclasses import dataclass

from search.executors.serial import Serial
from search.proxy.failure import TrialFailed
from space import UserError


class Elsewhere(Serial):
    """An executor whose workers have no folder in common with this machine, as far as it says."""

    @property
    def here(self):
        return False


@dataclass(frozen=True)
class Square:
    number: int


def squared(job, report):
    """Return the square of any number but three."""
    if job.number == 3:
        raise TrialFailed("three is no good")
    report(1, 0.5)
    return job.number**2


def where_it_runs(word):
    """The process, and what it was given."""
    return os.getpid(), word


def refusing(text):
    raise UserError(text)
