"""Trials on rungs, made without a search."""

from dataclasses import replace

from search.proxy.evaluate import Result
from search.reward import REWARDS, Terms
from search.testing import requests
from search.trials.records import Record
from search.trials.trial import Rung, trial_from_record
from space import decode, published

LAST = 9
"""Epochs of the full training."""
_REWARD = REWARDS["effv2"](reward="effv2", w=0, v=0)
_NETWORK = decode(requests(1)[0].architecture)
_TRIAL = trial_from_record(
    Record(0, _NETWORK.digest, str(_NETWORK), 7, (), "waiting", 1, "", 0.0, 1.0, None),
    _REWARD,
    published("v2-b0").architecture,
)


def rung(epochs, reward):
    result = Result(reward, 1.0, epochs, 10, 10.0 * epochs, 1.0, (1.0,) * epochs)
    return Rung(result, Terms(reward, reward, ()))


def trial(number, worth, state="complete"):
    """Return a trial with these rewards: epochs -> reward."""
    rungs = [rung(epochs, reward) for epochs, reward in sorted(worth.items())]
    whole = rungs.pop() if LAST in worth else None
    return replace(
        _TRIAL,
        number=number,
        state=state,
        result=whole and whole.result,
        terms=whole and whole.terms,
        rungs=tuple(rungs),
    )
