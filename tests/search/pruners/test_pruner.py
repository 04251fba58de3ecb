"""The searches that have rungs, and the epochs of these."""

import pytest

from search.config import Config
from search.pruners import PRUNERS
from search.pruners.pruner import rung_epochs
from space import UserError


def epochs(**settings):
    named = {key.replace("_", ".", 1): value for key, value in settings.items()}
    return Config.of({"space": "tiny_space", **named}).ladder.epochs


@pytest.mark.parametrize(
    ("count", "eta", "found"),
    [
        (1, 3, (1,)),
        (2, 3, (2,)),
        (3, 3, (1, 3)),
        (9, 3, (1, 3, 9)),
        (30, 3, (3, 10, 30)),
        (81, 3, (9, 27, 81)),
        (10, 2, (2, 5, 10)),
    ],
)
def test_a_rung_has_a_part_of_the_epochs_of_the_next(count, eta, found):
    assert rung_epochs(count, eta) == found


def test_a_pruner_is_chosen_by_its_name():
    assert epochs(pruner="none", proxy_epochs=9) == (9,)
    assert epochs(pruner="asha", proxy_epochs=9) == (1, 3, 9)
    assert epochs(pruner="asha", proxy_epochs=9, pruner_eta=9) == (1, 9)
    with pytest.raises(UserError, match="Did you mean 'asha'"):
        epochs(pruner="ahsa")
    with pytest.raises(UserError, match=r"pruner.gate=5: fewer than 8 networks decide nothing"):
        epochs(pruner="asha", pruner_gate=5)
    assert set(PRUNERS) == {"auto", "asha", "none"}


def test_the_old_name_of_a_setting_is_refused_with_the_new_one():
    with pytest.raises(UserError, match=r"pruner.least is called pruner.min_correlation now"):
        epochs(pruner="asha", pruner_least=0.5)


def test_a_ladder_knows_whether_the_search_is_for_a_front():
    assert not Config.of({"space": "tiny_space"}).ladder.multi_objective
    assert Config.of({"space": "tiny_space", "reward": "pareto"}).ladder.multi_objective


@pytest.mark.parametrize(
    ("settings", "rungs"),
    [
        ({}, False),
        ({"proxy_epochs": 9, "trials": 1000, "sampler": "random"}, False),
        ({"proxy_epochs": 10, "trials": 49, "sampler": "random"}, False),
        ({"proxy_epochs": 10, "trials": 50, "sampler": "random"}, True),
        ({"proxy_epochs": 10, "trials": 50, "sampler": "evolution"}, True),
        ({"proxy_epochs": 10, "trials": 50}, False),
        ({"proxy_epochs": 10, "trials": 50, "executor_workers": 16}, True),
        ({"proxy_epochs": 20, "trials": 50}, True),
        ({"proxy_epochs": 20, "budget": "2h"}, False),
    ],
)
def test_auto_has_rungs_where_they_can_pay(settings, rungs):
    assert (len(epochs(**settings)) > 1) is rungs


def test_no_epoch_is_the_lowest_rung_of_networks_that_inherit_weights():
    assert rung_epochs(9, 3, inherits=True) == (0, 3, 9)
    assert rung_epochs(2, 3, inherits=True) == (0, 2)
    assert rung_epochs(0, 3, inherits=True) == (0,)
