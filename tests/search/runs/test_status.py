"""How long a run will take, with the finals in it."""

from dataclasses import replace

import pytest

from search.config import Config
from search.proxy.evaluate import Result
from search.reward import REWARDS
from search.runs.status import late, seconds_left
from search.testing import requests
from search.trials.finals import OFF, Finals
from search.trials.records import Record
from search.trials.trial import trial_from_record
from space import decode, published

REFERENCE = published("v2-b0").architecture
REWARD = REWARDS["effv2"](reward="effv2", w=0)
NETWORKS = [decode(request.architecture) for request in requests(30)]
FINALS = Finals(top=3, seeds=2)


def trials(count, seconds=10.0):
    result = Result(0.5, 1.0, 1, 10, seconds, 1.0, (1.0,))
    return [
        trial_from_record(
            Record(n, network.digest, str(network), 0, (), "complete", 1, "", 0.0, 1.0, result),
            REWARD,
            REFERENCE,
        )
        for n, network in enumerate(NETWORKS[:count])
    ]


def left(count, finals=FINALS, seconds=0.0, total=20, first=(), **settings):
    """Seconds left of a search with two workers, whose trials took 10 s each."""
    config = Config.of(
        {
            "space": "tiny_space",
            "trials": total,
            "executor.workers": 2,
            "pruner": "none",
            "first": first,
            **settings,
        }
    )
    return seconds_left(replace(config, finals=finals), trials(count), seconds, total)


def test_a_search_is_followed_by_its_finals():
    """Two at a time: 5 rounds of the 10 missing trials and 3 rounds of finals, 10 s each."""
    assert left(10) == 80
    assert left(20) == 30
    assert left(20, OFF) == 0
    assert left(10, seconds=10.0, budget=50) == 40
    assert left(0) is None


def test_the_base_network_is_counted_where_it_is_one_of_the_trials():
    assert left(10, first=[str(NETWORKS[3])]) == 90
    assert not late(trials(5), 100, 55, FINALS, 2)
    assert late(trials(5), 100, 55, FINALS, 2, NETWORKS[3])


@pytest.mark.parametrize(
    ("seconds", "finals", "is_late"),
    [(89, OFF, False), (91, OFF, True), (59, FINALS, False), (61, FINALS, True)],
)
def test_a_budget_keeps_time_for_the_finals(seconds, finals, is_late):
    """Another trial takes 10 s, and 6 trainings two at a time 30 s."""
    assert late(trials(5), 100, seconds, finals, 2) is is_late


def test_the_finals_are_those_of_the_trial_too_that_is_to_be_begun():
    """With 17 complete there are none, with the 18th six of 10 s."""
    assert not late(trials(16), 200, 185, Finals())
    assert not late(trials(17), 200, 130, Finals())
    assert late(trials(17), 200, 131, Finals())
    beside = [*trials(16), replace(trials(17)[-1], state="running")]
    assert late(beside, 200, 131, Finals())
    assert not late(trials(1), 100, 50, Finals(top=5, seeds=2))
    taken = [replace(trial, state="imported") for trial in trials(4)]
    assert late(trials(1) + taken, 100, 50, Finals(top=5, seeds=2))


def test_without_a_budget_nothing_is_late():
    assert not late(trials(5), None, 1e9, FINALS)
