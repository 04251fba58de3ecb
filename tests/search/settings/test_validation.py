"""Settings that are wrong are refused in one line, which says what would be right."""

import pytest

from search import Config
from search.settings.validation import RENAMED, unknown_setting
from space import UserError


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"data.path": "photos.npz"}, "data.path is a setting of data=npz, folder, "),
        (
            {"executor.address": "auto"},
            "executor.address is a setting of executor=ray; this is executor=local.",
        ),
        ({"reward.target": 1}, "reward.target is a setting of reward=mnasnet, tunas; this is reward=effv2."),
        ({"sampler.mutation": 0.1}, "sampler.mutation is a setting of sampler=nsga2; this is sampler=auto."),
        (
            {"pruner": "none", "pruner.trials": 9},
            "pruner.trials is a setting of pruner=auto; this is pruner=none.",
        ),
        (
            {"data": "npz", "data.difficulty": 1},
            "data.difficulty is a setting of data=shapes; this is data=npz.",
        ),
        ({"data.pth": "photos.npz"}, "Unknown setting 'data.pth'. "),
        ({"proxy.path": 1}, "Unknown setting 'proxy.path'. "),
    ],
)
def test_a_setting_of_another_kind_is_said_to_be_one(settings, says):
    with pytest.raises(UserError) as refused:
        Config.of(settings)
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_of_a_setting_is_refused_with_the_new_one(old, new):
    assert str(unknown_setting(old, [new])) == f"{old} is called {new} now."


@pytest.mark.parametrize(
    "key", ["trials", "seed", "budget", "max_failures", "proxy.learning_rate", "proxy.batch", "reward.w"]
)
@pytest.mark.parametrize("value", [True, False])
def test_truth_is_no_number(key, value):
    with pytest.raises(UserError, match=rf"^{key}={str(value).lower()}: a number is needed\.$|than"):
        Config.of({"space": "tiny_space", key: value})
