"""Helpers to test searches and extensions: evaluations without training, and contracts for extension points.

A contract is a list of checks that every extension of a kind must pass. For example, a sampler is tested by:

    import pytest
    from search.testing import SAMPLER_CONTRACT

    @pytest.mark.parametrize("check", SAMPLER_CONTRACT)
    def test_my_sampler(check):
        check(MySampler(sampler="mine"))

`SOURCE_CONTRACT` is the contract of kinds of data, and `EXECUTOR_CONTRACT` is the contract of executors. Executors
whose trials run in separate processes must pass `PROCESS_CONTRACT`, too.
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
