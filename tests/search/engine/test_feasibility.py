"""What would make every trial fail is refused before anything is written."""

import pytest
from helpers.fake_device import latencies_of
from helpers.quick import QUICK

from search.config import Config
from search.engine.feasibility import check, within_times
from search.profiles import Predictor
from space import Space, UserError


def limited(**limits):
    return Config.of({**QUICK, **{f"limit.{name}": limit for name, limit in limits.items()}})


@pytest.mark.parametrize("name", ["params", "macs", "activations"])
def test_a_limit_is_refused_exactly_where_the_smallest_network_is_over_it(name):
    least = getattr(Config.of(QUICK).space.range, name)[0]
    check(limited(**{name: least}))
    with pytest.raises(UserError, match=rf"limit.{name}={least - 1}: the smallest network of the space has"):
        check(limited(**{name: least - 1}))


def test_a_front_needs_a_sampler_of_several_objectives_before_anything_is_measured():
    front = {**QUICK, "reward": "pareto", "reward.cost": "latency"}
    with pytest.raises(UserError, match="sampler=evolution maximises a single number"):
        check(Config.of({**front, "sampler": "evolution"}))
    check(Config.of({**front, "sampler": "nsga2"}))


def test_memory_is_that_of_a_training():
    with pytest.raises(UserError, match=r"memory=1: the smallest network of the space has \S+ bytes"):
        check(limited(memory=1))


def test_a_network_to_be_tried_first_keeps_the_limits_too():
    network = str(Config.of(QUICK).space.at((1,) * 7))
    least = Config.of(QUICK).space.range.params[0]
    check(Config.of({**QUICK, "first": network}))
    with pytest.raises(UserError, match=r"first: .*: params .* > limit.params"):
        check(Config.of({**QUICK, "first": network, "limit.params": least}))


def test_a_network_that_is_predicted_to_be_too_slow_is_not_tried_first():
    space = Space.load("tiny_space")
    profile = latencies_of(space)
    both = sorted(
        (space.at((0,) * 7), space.at((1,) * 7)), key=lambda network: Predictor(profile)(network).ms
    )
    fast, slow = map(str, both)
    limit = Predictor(profile)(both[0]).ms * 1.01
    config = Config.of({**QUICK, "first": [slow, fast], "limit.latency": limit}).with_profile(profile)
    lines = []
    assert within_times(config, lines.append).settings.first == (fast,)
    assert len(lines) == 1 and slow in lines[0]


@pytest.mark.parametrize(
    ("trials", "gate", "needed"), [(8, 0, 9), (9, 0, None), (8, 12, None), (None, 0, None)]
)
def test_a_search_that_would_train_no_network_to_the_end_is_refused(trials, gate, needed):
    settings = {"space": "tiny_space", "proxy.epochs": 9, "pruner": "asha", "pruner.gate": gate}
    config = Config.of({**settings, "trials": trials, "executor": "serial"})
    if needed is None:
        return check(config)
    with pytest.raises(
        UserError, match=f"^trials={trials} with pruner.gate=0: .* give trials={needed} or more"
    ):
        check(config)
