"""Helpers to test searches and extensions: evaluations without training, and contracts for extension points.

A sampler or executor of your own passes the house's contract like this:

    import pytest
    from search.testing import SAMPLER_CONTRACT

    @pytest.mark.parametrize("check", SAMPLER_CONTRACT)
    def test_my_sampler(check):
        check(MySampler(sampler="mine"))

So do kinds of data with `SOURCE_CONTRACT`, and executors with `EXECUTOR_CONTRACT`.
"""

from search.testing.data import SOURCE_CONTRACT
from search.testing.evaluations import fails_once, looked_up, misbehaving, slowly
from search.testing.executing import EXECUTOR_CONTRACT, PROCESS_CONTRACT, Recorded, requests
from search.testing.sampling import SAMPLER_CONTRACT

__all__ = [
    "EXECUTOR_CONTRACT",
    "PROCESS_CONTRACT",
    "SAMPLER_CONTRACT",
    "SOURCE_CONTRACT",
    "Recorded",
    "fails_once",
    "looked_up",
    "misbehaving",
    "requests",
    "slowly",
]
