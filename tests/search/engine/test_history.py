"""What a driver knows of its trials is what the ledger says of them."""

from contextlib import closing
from dataclasses import replace

import pytest
from helpers.quick import QUICK

from search.config import Config
from search.engine.history import History
from search.engine.requests import request
from search.testing import looked_up
from search.trials.ledger import Ledger, LedgerFailed
from search.trials.records import FinalTraining

SETTING = Config.of({**QUICK, "proxy.epochs": 9, "pruner": "asha", "trials": 20, "reward.w": 0})
NETWORKS = [SETTING.space.at(point) for point, _ in zip(SETTING.space.points(), range(5), strict=False)]


@pytest.fixture
def ledger(tmp_path):
    with closing(Ledger(tmp_path / "ledger")) as opened:
        yield opened


def opened(ledger):
    return History(SETTING, ledger, lambda proxy: f"{proxy.epochs} epochs")


@pytest.fixture
def history(ledger):
    """Of four networks, all of them waiting."""
    begun = opened(ledger)
    for network in NETWORKS[:4]:
        begun.propose(SETTING.space.find(network), network, 0)
    return begun


def result(history, number, epochs):
    record = history[number]
    asked = request(
        SETTING, number, record.attempt, record.architecture, record.seed, timed=False, epochs=epochs
    )
    return looked_up(asked, lambda epoch, loss: None)


def answer(history, number, epochs):
    history.begin(history[number])
    history.answer(number, epochs, result(history, number, epochs))


def rest(history):
    answer(history, 1, 1)


def complete_after_a_rung(history):
    answer(history, 1, 3)
    answer(history, 1, 9)


def wait_again(history):
    history.begin(history[1])
    history.wait(replace(history[1], attempt=2))


def fail(history):
    history.begin(history[1])
    history.fail(1, 9, "the loss became nan")


def fail_after_a_rung(history):
    answer(history, 1, 1)
    history.begin(history[1])
    history.fail(1, 3, "gone")


def train_again(history):
    answer(history, 1, 9)
    history.record_final(1, FinalTraining(7, 1, "running"))
    history.record_final(1, FinalTraining(7, 1, "complete", "", result(history, 1, 9)))


def measure(history):
    answer(history, 1, 9)
    history.measure(1, replace(result(history, 1, 9), step_ms=5.0, reference_step_ms=4.0, step_ratio=1.25))


@pytest.mark.parametrize(
    "change", [rest, complete_after_a_rung, wait_again, fail, fail_after_a_rung, train_again, measure]
)
def test_what_it_knows_is_what_the_next_driver_reads(change, history, ledger):
    before = history.trials
    change(history)
    assert history.trials != before
    assert [trial.number for trial in history.trials] == [0, 1, 2, 3]
    assert opened(ledger).trials == history.trials
    assert opened(ledger)[1] == history[1]


def test_trials_wait_are_at_work_and_rest(history):
    assert history.waiting == 0
    history.begin(history[0])
    answer(history, 1, 3)
    assert history.waiting == 2
    assert [record.number for record in history.running] == [0]
    assert [trial.state for trial in history.trials] == ["running", "pruned", "waiting", "waiting"]


def test_a_proposal_of_a_network_that_has_its_result_is_answered_by_it(history, ledger):
    answer(history, 1, 9)
    assert history.propose((), NETWORKS[4], 0, ((), NETWORKS[1])) == 4
    assert [trial.state for trial in history.trials[4:]] == ["duplicate", "waiting"]
    assert history.trial(4).terms == history.trial(1).terms
    assert len(opened(ledger).trials) == 6


def test_one_of_a_network_that_has_none_is_not_kept(history):
    assert history.propose((), NETWORKS[4], 0, ((), NETWORKS[2])) is None
    assert [trial.state for trial in history.trials[4:]] == ["waiting"]


def test_a_proposal_is_kept_with_the_duplicate_before_it_or_neither_is(history, ledger):
    answer(history, 1, 9)
    ledger.add(replace(history[0], number=5))  # The number that the proposal would have.
    with pytest.raises(LedgerFailed):
        history.propose((), NETWORKS[4], 0, ((), NETWORKS[1]))
    assert [trial.number for trial in opened(ledger).trials] == [0, 1, 2, 3, 5]
    assert len(history.trials) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"accuracy": float("nan")},
        {"loss": float("inf")},
        {"accuracy": None},
        {"step_ratio": -1.0},
        {"seconds": float("nan")},
    ],
)
def test_a_result_from_which_no_reward_follows_is_not_kept(wrong, history, ledger):
    history.begin(history[0])
    with pytest.raises(ValueError, match=r"nan|inf|None|-1"):
        history.answer(0, 9, replace(result(history, 0, 9), **wrong))
    assert history.trial(0).state == "running"
    assert opened(ledger).trials == history.trials
