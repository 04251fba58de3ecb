"""Searches under predicted latencies, on a made-up device."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.fake_device import latency_ms

import experiments
from search import launch, open_run
from search.config import Config, objective_of
from search.engine import latency_source
from search.engine.latency_source import latency_profile_time, with_latencies
from search.engine.launch import prepared
from search.models import inference
from search.profiles import lookup
from search.profiles.campaign import Campaign
from search.profiles.profile import Profile
from search.runs.rescoring import rescored
from search.testing import looked_up
from search.trials.columns import row
from space import Space, UserError

SPACE = Space.load("tiny_space")
TINY = {"space": "tiny_space", "proxy": "tiny", "data.images": 400, "data.test_images": 20}
WIDE = Path(experiments.__file__).parent / "benchmarks" / "proof" / "spaces" / "free.yaml"
SETTINGS = {**TINY, "executor": "serial", "sampler": "random", "reward": "accuracy", "force_step": True}


def test_a_limit_keeps_slower_networks_out(device, profile, limit):
    settings = {
        **SETTINGS,
        "latency": "./phone.json",
        "limit.latency": f"{limit}ms",
        "trials": 6,
        "run": "one",
    }
    run = launch(settings, evaluate=looked_up)
    assert len(run.ranked) == 6
    for trial in run.trials:
        assert trial.latency.ms == pytest.approx(latency_ms(trial.architecture), rel=0.02)
        assert row(trial)["latency_ms"] == trial.latency.ms <= limit
    assert run.answers.cost == "latency"
    assert open_run("one").trials == run.trials
    assert run.config.latencies.profile == profile
    again = launch(
        {**settings, "run": "two", "from": "one", "limit.latency": limit * 0.9}, evaluate=looked_up
    )
    assert all(trial.latency.ms <= limit * 0.9 for trial in again.trials)


def test_a_profile_can_be_below_the_home_folder(device, profile, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = Config.of({**SETTINGS, "latency": "~/phone.json", "limit.latency": "1s"})
    assert with_latencies(config, print).latencies.profile == profile


def test_a_latency_counts_in_the_reward(device, limit):
    settings = {"reward": "mnasnet", "reward.cost": "latency", "reward.target": "5 ms"}
    run = launch(
        {**SETTINGS, **settings, "latency": "./phone.json", "trials": 3, "run": "one"}, evaluate=looked_up
    )
    for trial in run.ranked:
        (term,) = trial.terms.costs
        assert (term.cost, term.ratio) == ("latency", trial.latency.ms / 5)
        assert row(trial)["latency_term"] == term.value
    reward, limits = objective_of(run.config, {"reward": "accuracy", "limit.latency": f"{limit:g}ms"})
    for place in rescored(run, reward, limits):
        assert (
            (place.rank is None) == place.exceeds.startswith("latency ") == (place.trial.latency.ms > limit)
        )


def test_a_run_without_latencies_is_rescored_by_a_saved_profile(device, monkeypatch, profile, limit):
    from search.runs import rescoring

    run = launch({**SETTINGS, "trials": 3, "run": "one"}, evaluate=looked_up)
    assert run.config.latencies is None
    reward, limits = objective_of(run.config, {"limit.latency": limit})
    monkeypatch.setattr(rescoring, "latency_profile", lambda space: None)
    with pytest.raises(UserError, match="search profile space=tiny_space cost=latency"):
        rescored(run, reward, limits)
    derived = launch(
        {**SETTINGS, "space": f"around:{run.best.architecture}", "trials": 1, "run": "two"},
        evaluate=looked_up,
    )
    with pytest.raises(UserError, match="search profile cost=latency SPACE, where SPACE are the words"):
        rescored(derived, reward, limits)
    monkeypatch.setattr(rescoring, "latency_profile", lambda space: profile)
    assert all(place.trial.latency for place in rescored(run, reward, limits))


def test_a_limit_that_nothing_keeps_is_refused_before_any_training(device):
    with pytest.raises(UserError, match=r"limit\.latency=0\.001ms: .* ms an inference, on 1 image"):
        launch(
            {**SETTINGS, "latency": "./phone.json", "limit.latency": "1us", "run": "none"}, evaluate=looked_up
        )


def test_a_profile_of_another_device_is_refused(device):
    config = Config.of({**SETTINGS, "force_step": False, "latency": "./phone.json", "limit.latency": 5})
    with pytest.raises(UserError, match="made with processor a processor, not"):
        with_latencies(config, lambda text: None)


def test_a_profile_of_steps_is_refused(device, profile, tmp_path):
    profile.model_copy(update={"cost": "step"}).save(tmp_path / "steps.json")
    config = Config.of({**SETTINGS, "latency": "./steps.json", "limit.latency": 5})
    with pytest.raises(UserError, match=r"\./steps\.json is a profile of training steps"):
        with_latencies(config, lambda text: None)


@pytest.mark.parametrize(
    ("file", "force", "says"),
    [
        ("missing.json", True, r"missing\.json"),
        ("steps.json", True, r"\./steps\.json is a profile of training steps"),
        ("phone.json", False, "made with processor a processor, not"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_anything_is_estimated(
    device, profile, tmp_path, file, force, says
):
    profile.model_copy(update={"cost": "step"}).save(tmp_path / "steps.json")
    settings = {**SETTINGS, "latency": f"./{file}", "force_step": force}
    with pytest.raises(UserError, match=says):
        prepared({**settings, "limit.latency": 5})
    prepared(settings)  # Without a limit the file plays no role.


def test_nothing_is_measured_where_latency_plays_no_role(device):
    config = Config.of(SETTINGS)
    assert with_latencies(config, lambda text: None) is config
    assert latency_profile_time(config) is None


def test_a_profile_is_measured_by_itself_within_ten_minutes(device, monkeypatch, profile, tmp_path):
    asked = []

    def make(space, **options):
        asked.append(options["max_networks"])
        return profile, tmp_path / "made.json"

    monkeypatch.setattr(latency_source, "make", make)
    config = Config.of({**SETTINGS, "limit.latency": 5})
    notes = []
    for seconds in (300, 1200, 36_000):
        monkeypatch.setattr(latency_source, "seconds", lambda space, latency, seconds=seconds: float(seconds))
        assert latency_profile_time(config) == pytest.approx({300: 300, 1200: 600, 36_000: 12_000}[seconds])
        assert with_latencies(config, notes.append).latencies.profile == profile
    assert asked == [60, 30, 20]
    assert notes[-1].startswith("wrote ")


@pytest.mark.parametrize(
    ("near", "missing", "note"),
    [
        (None, 3, "No profile of latencies of tiny_space on this device yet: measuring 3 networks"),
        (None, 2, "Measuring 2 more networks of tiny_space"),
        (5.0, 3, "Measuring, near 5 ms, 3 networks"),
    ],
)
def test_a_note_counts_the_networks_that_are_measured_from_then_on(
    device, monkeypatch, profile, tmp_path, near, missing, note
):
    networks = tuple(SPACE.at(point) for point in list(SPACE.points())[:3])
    campaign = Campaign(SPACE, profile.device, 1, cost="latency", near=near, given=networks)

    def make(space, begin, **options):
        begin(campaign, missing, 60.0)
        return profile, tmp_path / "made.json"

    monkeypatch.setattr(latency_source, "make", make)
    monkeypatch.setattr(latency_source, "seconds", lambda space, latency: 60.0)
    notes = []
    with_latencies(Config.of({**SETTINGS, "limit.latency": 5}), notes.append)
    assert notes[0] == f"{note} in onnxruntime, about 1:00 on an idle machine"


def test_the_profile_of_a_space_serves_it_however_little_was_measured(device, monkeypatch, profile):
    monkeypatch.setattr(inference.Conditions, "described", lambda self: profile.device)
    assert lookup.latency_profile(SPACE) is None
    bare = profile.model_copy(update={"blocks": {}})
    bare.save(lookup.file_of(profile.device, 1, SPACE, "latency"))
    assert lookup.latency_profile(SPACE) == bare
    assert lookup.latency_profile(Space.load("effv2_32")) is None
    assert lookup.closest(SPACE.at((0,) * len(SPACE.choices)), 1, "latency") == bare
    assert isinstance(lookup.here(1, "latency")[0], Profile)


def test_a_profile_near_a_limit_serves_this_limit_only(device, monkeypatch, profile):
    monkeypatch.setattr(inference.Conditions, "described", lambda self: profile.device)
    close = profile.model_copy(update={"near": 5.0})
    close.save(lookup.file_of(profile.device, 1, SPACE, "latency", near=5.0))
    assert lookup.latency_profile(SPACE, 5.0) == close
    assert lookup.latency_profile(SPACE, 4.0) is lookup.latency_profile(SPACE) is None
    profile.save(lookup.file_of(profile.device, 1, SPACE, "latency"))
    assert lookup.latency_profile(SPACE, 5.0) == lookup.latency_profile(SPACE) == profile


@pytest.mark.parametrize(
    ("space", "reward", "near"),
    [
        ("tiny_space", "accuracy", None),
        ("effv2_32", "accuracy", None),
        (str(WIDE), "accuracy", 5.0),
        # Everywhere, since the reward compares latencies far from the limit, too.
        (str(WIDE), "mnasnet", None),
    ],
)
def test_networks_near_the_limit_are_measured_where_most_blocks_must_be_estimated(
    device, monkeypatch, profile, tmp_path, space, reward, near
):
    asked = []

    def make(space, **options):
        asked.append(options["near"])
        return profile, tmp_path / "made.json"

    monkeypatch.setattr(latency_source, "make", make)
    monkeypatch.setattr(latency_source, "seconds", lambda space, latency: 60.0)
    cost = {"reward.cost": "latency", "reward.target": 5} if reward == "mnasnet" else {}
    settings = {**SETTINGS, "space": space, "limit.latency": 5, "reward": reward, **cost}
    with_latencies(Config.of(settings), lambda text: None)
    assert asked == [near]


def test_conditions_of_a_profile(profile):
    conditions = lookup.like(profile)
    assert (conditions.runtime, conditions.batch, conditions.threads) == ("onnxruntime", 1, 1)
    torch = profile.model_copy(
        update={"device": replace(profile.device, runtime="torch", threads=2), "batch": 4}
    )
    assert (lookup.like(torch).runtime, lookup.like(torch).batch, lookup.like(torch).threads) == (
        "torch",
        4,
        2,
    )
