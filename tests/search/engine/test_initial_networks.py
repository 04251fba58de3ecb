"""Networks that a search tries first, through `launch` and `resume`."""

from pathlib import Path

import pytest
from helpers.quick import QUICK

from search import launch, open_run, resume
from search.config import Config
from search.engine.automatic import decided
from search.engine.initial_networks import resolved
from search.engine.launch import prepared
from search.testing import looked_up
from space import Space, UserError, cost, decode, published
from space.block_strings import decode_blocks

pytestmark = pytest.mark.usefixtures("at_home")

TINY = Space.load("tiny_space")
OWN = str(TINY.at((1,) * 7))
OUTSIDE = "r16_i8_s1/mb_d3_k5_s2_e6_w24/h32_c10"


def searched(**settings):
    return launch({**QUICK, **settings}, evaluate=looked_up)


def test_they_are_trained_before_anything_is_proposed():
    run = searched(trials=4, seed=5, first=f"{OWN},{OUTSIDE},{OWN}")
    assert [str(trial.architecture) for trial in run.trials[:2]] == [OWN, OUTSIDE]
    assert len(run.trials) == 4
    assert {trial.seed for trial in run.trials} == {5}


def test_one_in_the_space_has_its_point_and_another_none():
    run = searched(trials=2, first=f"{OUTSIDE},{OWN}")
    assert run.trials[0].point == ()
    assert TINY.at(run.trials[1].point) == decode(OWN)


@pytest.mark.parametrize("sampler", ["auto", "gp", "tpe", "evolution", "nsga2", "qmc", "grid"])
def test_every_sampler_takes_them_in_its_stride(sampler):
    startup = {"sampler.startup": 4} if sampler in ("auto", "gp", "tpe") else {}
    run = searched(trials=8, sampler=sampler, first=f"{OUTSIDE},{OWN}", **startup)
    assert sum(trial.state == "complete" for trial in run.trials) == 8
    assert len({trial.architecture for trial in run.trials if trial.state == "complete"}) == 8


def test_published_networks_become_the_spaces_size_and_the_datas_classes():
    (text,) = Config.of({"space": "tiny_space", "first": "v2-b0"}).settings.first
    network = decode(text)
    assert (network.resolution, network.classes, network.stages) == (
        16,
        10,
        published("v2-b0").architecture.stages,
    )
    settings = {"space": "tiny_space", "space.resolution": [16, 224], "first": "v2-b0"}
    assert decode(*Config.of(settings).settings.first).resolution == 224


def test_runs_and_trials_are_resolved_before_the_configuration_is_read():
    run = searched(trials=2, run="r")
    best, second = str(run.best.architecture), str(run.trials[1].architecture)
    settings = resolved({"trials": 3, "first": "r, r:1, v2-b0", "reward.reference": "r:1"})
    v2_b0 = str(published("v2-b0").architecture)
    assert settings == {"trials": 3, "first": [best, second, v2_b0], "reward.reference": second}
    with pytest.raises(UserError, match="Unknown run 'none'"):
        resolved({"first": "none:3"})


def test_block_strings_are_one_network():
    blocks = "r1_k3_s11_e1_i32_o16_se0.25,r2_k3_s22_e6_i16_o24_se0.25"
    found = resolved({"first": f"{OWN},{blocks}"})
    assert found["first"] == [OWN, str(decode_blocks(blocks))]
    assert len(Config.of({"space": "tiny_space", "first": blocks}).settings.first) == 1
    with pytest.raises(UserError, match="reads 17 channels"):
        resolved({"first": blocks.replace("i16", "i17")})


def test_a_resume_keeps_them():
    def interrupted(request, report):
        if request.number == 1:
            raise KeyboardInterrupt
        return looked_up(request, report)

    with pytest.raises(KeyboardInterrupt):
        launch({**QUICK, "trials": 4, "first": f"{OWN},{OUTSIDE}"}, evaluate=interrupted)
    parts = resume("r", evaluate=looked_up)
    whole = searched(trials=4, first=f"{OWN},{OUTSIDE}", run="whole")
    assert [t.architecture for t in parts.trials] == [t.architecture for t in whole.trials]


def test_the_best_of_an_earlier_run_can_be_among_them():
    first = searched(trials=3)
    again = searched(trials=3, run="again", first=f"r:{first.best.number}")
    assert again.trials[0].architecture == open_run("r").best.architecture
    with pytest.raises(UserError, match="no trial 9"):
        searched(run="third", first="r:9")


def test_one_over_a_limit_is_refused_at_launch():
    limit = cost(decode(OWN)).params - 1
    with pytest.raises(UserError, match=rf"first: r16_.*: params .* > limit.params {limit:,}") as refused:
        searched(**{"first": OWN, "limit.params": limit})
    assert "\n" not in str(refused.value)
    assert not Path("runs").exists()


def test_a_network_over_a_limit_can_be_the_centre_of_a_space():
    limit = cost(decode(OWN)).params - 1
    plan = prepared({**QUICK, "space": f"around:{OWN}", "limit.params": limit})
    assert plan.config.settings.first == ()
    (decision,) = (one for one in plan.decisions if one.setting.startswith("first"))
    assert decision.setting == f"first={OWN} is not tried"
    assert decision.reason == f"params {limit + 1:,} > limit.params {limit:,}"
    with pytest.raises(UserError, match=r"> limit\.params"):
        prepared({**QUICK, "space": f"around:{OWN}", "limit.params": limit, "first": OWN})
    (kept,) = prepared({**QUICK, "space": f"around:{OWN}"}).config.settings.first
    assert kept == OWN


def test_a_search_around_a_network_begins_with_it():
    settings = {"space": f"around:{OWN}", "trials": 3, "proxy": "tiny"}
    assert decided(settings).settings == {**settings, "first": OWN}
    assert decided({**settings, "first": OUTSIDE}).settings["first"] == OUTSIDE
    with pytest.raises(UserError, match=r"space=around:NETWORK 'v2-b9'"):
        resolved({"space": "around:v2-b9"})
