"""The time of a search, from made-up times of its parts."""

import multiprocessing
import random
from contextlib import nullcontext

import pytest
from helpers.quick import QUICK

from search.config import Config
from search.engine import estimate as module
from search.engine.estimate import estimate, lines, trainings
from space import cost, decode

NEIGHBOURS = module._neighbours
SETTINGS = {**QUICK, "reward": "effv2", "trials": 20, "first": None, "finals.top": 3, "finals.seeds": 2}
MEASURING, TRAINING = 10.0, 4.0


@pytest.fixture(autouse=True)
def _made_up_times(monkeypatch):
    monkeypatch.setattr(module, "_measuring", lambda full, config, data: MEASURING)
    monkeypatch.setattr(module, "_training", lambda full, config, data: TRAINING)
    monkeypatch.setattr(module, "_neighbours", lambda full, config, data: nullcontext())


def config(**settings):
    return Config.of({**SETTINGS, "proxy": "tiny", **settings})


def test_finals_train_and_measure_no_step_times():
    whole = config()
    estimated = estimate(whole, None, None)
    assert estimated.trial == (MEASURING + TRAINING,) * 3
    assert estimated.finals in (6, 8)  # 3 networks, and the base if it is in the space
    assert estimated.total == 20 * (MEASURING + TRAINING) + estimated.finals * TRAINING


def test_with_a_profile_trials_measure_nothing_and_the_profile_counts_once():
    estimated = estimate(config(), None, 60.0)
    assert estimated.total == 60 + (20 + estimated.finals) * TRAINING
    assert trainings(config(), None) == (20 + estimated.finals) * TRAINING


def test_a_profile_of_latencies_spares_no_trial_its_step_time():
    estimated = estimate(config(), None, None, 60.0)
    assert estimated.profile == 60
    assert estimated.trial == (MEASURING + TRAINING,) * 3
    assert estimated.total == 60 + 20 * (MEASURING + TRAINING) + estimated.finals * TRAINING
    both = estimate(config(), None, 30.0, 60.0)
    assert (both.profile, both.trial) == (90, (TRAINING,) * 3)
    assert both.total == 90 + (20 + both.finals) * TRAINING


def test_a_budget_ends_it_earlier():
    whole = config(budget=100)
    estimated = estimate(whole, None, None)
    assert estimated.total == 100
    assert "the budget, which ends before 20 trials, 1 at a time: about 1:40" in lines(estimated, whole)


def test_a_budget_that_suffices_for_all_trials_is_not_named():
    whole = config(budget=3600)
    told = list(lines(estimate(whole, None, None), whole))
    assert not any("budget" in line for line in told)
    assert any(line.startswith("20 trials and ") for line in told)


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_processes_train_during_the_measurements_as_there_will_be_workers(workers, monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: 2)
    whole = config(executor="local", **{"executor.workers": workers})
    network = whole.space.at(whole.space.sample(random.Random(0)))
    with NEIGHBOURS(network, whole, whole.dataset()):
        assert len(multiprocessing.active_children()) == min(workers, 2) - 1
    assert not multiprocessing.active_children()


def test_under_a_limit_on_times_networks_have_at_most_the_size_of_the_first(monkeypatch):
    timed = []
    monkeypatch.setattr(
        module, "_training", lambda full, config, data: timed.append(cost(full).macs) or TRAINING
    )
    first = "r16_i8_s1/mb_d1_k3_s2_e4_w8_se0.25/fused_d2_k3_s2_e4_w16/mb_d1_k3_s1_e4_w16_se0.25/h32_c10"
    estimate(config(first=first, **{"limit.latency": 5}), None, None)
    within, timed = timed, []
    assert max(within) <= cost(decode(first)).macs
    monkeypatch.setattr(
        module, "_training", lambda full, config, data: timed.append(cost(full).macs) or TRAINING
    )
    estimate(config(first=first), None, None)
    assert max(timed) > cost(decode(first)).macs
