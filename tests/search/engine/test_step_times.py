from contextlib import closing
from dataclasses import replace

import pytest
from helpers.fake_device import DEVICE, latencies_of, profile_of
from helpers.gpus import made_up_gpus, telling_its_device

from search import launch, open_run, resume
from search.config import Config
from search.engine import estimate, remeasure_step_times
from search.engine import step_times as choosing
from search.engine.display import Silent
from search.engine.step_times import foreseen, with_step
from search.profiles import lookup as finding
from search.profiles.campaign import Campaign
from search.profiles.lookup import closest, here, serving
from search.profiles.profile import file_of
from search.proxy import measure as measuring
from search.runs.run import LEDGER
from search.testing import looked_up
from search.trials.ledger import Ledger
from space import Space, UserError, published
from space.timing.ratio import StepTime

TINY = {"space": "tiny_space", "proxy": "tiny", "data.images": 400, "data.test_images": 20}
SETTINGS = {**TINY, "executor": "serial", "sampler": "random"}


@pytest.fixture(scope="module")
def profile():
    return profile_of(Campaign(Space.load("tiny_space"), DEVICE, 32))


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A machine that is the faked device, without any profile yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(choosing, "device_for", lambda name, precision: DEVICE)
    monkeypatch.setattr(finding, "this_device", lambda kind: DEVICE)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def kept(device, profile, monkeypatch):
    """The same machine with a profile of tiny_space, and with a stopwatch that always shows the same."""
    step = StepTime(1.5, 0.01, 7, 3.0, 2.0, 3.1, 2.1)
    monkeypatch.setattr(measuring, "measure", lambda *networks, images: step if images == 32 else None)
    path = file_of(DEVICE, 32, Space.load("tiny_space"))
    profile.save(path)
    return path


def settled(**settings):
    said = []
    config = with_step(Config.of({**TINY, **settings}), None, said.append)
    return config, said


def test_without_a_profile_steps_are_measured(device):
    config, said = settled()
    assert (config.settings.step, config.forecast, said) == ("measured", None, [])


@pytest.mark.parametrize(
    ("settings", "search", "measuring", "made"),
    [
        ({"trials": 50}, 1000.0, 100.0, True),
        ({"trials": 50}, 1000.0, 101.0, False),  # over a tenth
        ({"trials": 49}, 1e9, 1.0, False),  # not asked how long it takes
        ({"budget": "1h"}, 3600.0, 100.0, True),
        ({"trials": None}, None, 1e9, True),  # without an end
        (
            {"trials": 50, "executor": "ray", "executor.address": "10.0.0.1:6379"},
            1e9,
            1.0,
            False,
        ),  # elsewhere
        ({"trials": 50, "proxy.device": "mps"}, 1e9, 1.0, False),
    ],
)
def test_a_profile_is_made_unasked_where_it_costs_little_beside_the_search(
    settings, search, measuring, made, device, profile, monkeypatch
):
    monkeypatch.setattr(estimate, "trainings", lambda config, data: search)
    monkeypatch.setattr(choosing, "seconds", lambda space, **rest: measuring)
    monkeypatch.setattr(choosing, "make", lambda space, **rest: (profile, "p.json"))
    config, _ = settled(**settings)
    assert config.settings.step == ("profile" if made else "measured")


def test_a_profile_that_is_there_is_used_and_said(kept, profile, monkeypatch):
    config, said = settled()
    assert config.settings.step == "profile"
    assert config.forecast.profile == profile
    assert len(said) == 1
    assert f"profile of tiny_space of {profile.made}" in said[0]
    assert settled(step="measured")[0].forecast is None
    assert settled(step=str(kept))[0].forecast.profile == profile
    monkeypatch.setenv("HOME", str(kept.parent))
    assert settled(step=f"~/{kept.name}")[0].forecast.profile == profile


def test_a_dry_run_counts_a_profile_only_if_it_has_to_be_measured(kept, monkeypatch):
    monkeypatch.setattr(choosing, "seconds", lambda space, **rest: 60.0)
    config, ahead = foreseen(Config.of(TINY), None)
    assert config.forecast and ahead is None
    config, ahead = foreseen(Config.of({**TINY, "space": "effv2_32", "limit.step": 9}), None)
    assert (config.forecast, ahead) == (None, 60.0)
    assert foreseen(Config.of({**TINY, "space": "effv2_32"}), None)[0].settings.step == "measured"


def test_a_profile_of_another_space_is_not(kept):
    assert settled(space="effv2_32")[0].settings.step == "measured"


def test_a_device_without_profiles_is_measured(kept):
    assert settled(**{"proxy.device": "mps"})[0].settings.step == "measured"


def test_a_reward_without_step_times_needs_none(kept):
    assert settled(**{"reward.w": 0})[0].forecast is None
    assert settled(**{"reward.w": 0, "limit.step": 9})[0].forecast


@pytest.mark.parametrize("asked", [{"step": "profile"}, {"limit.step": 1e6}])
def test_a_profile_is_made_when_it_is_asked_for(asked, device, profile, monkeypatch):
    monkeypatch.setattr(choosing, "make", lambda space, **rest: (profile, "p.json"))
    config, said = settled(**asked)
    assert config.forecast.profile == profile
    assert "wrote p.json" in said[-1]


def test_a_profile_of_another_device_is_refused(kept, profile, tmp_path):
    other = profile.model_copy(update={"device": replace(DEVICE, torch="1.0")})
    other.save(tmp_path / "other.json")
    with pytest.raises(UserError, match=r"torch 1\.0, not 2\.14\.1"):
        settled(step=str(tmp_path / "other.json"))
    forced, _ = settled(step=str(tmp_path / "other.json"), force_step=True)
    assert forced.forecast.profile == other


def test_a_profile_of_latencies_is_refused(kept, tmp_path):
    latencies_of(Space.load("tiny_space")).save(tmp_path / "latencies.json")
    with pytest.raises(UserError, match=r"latencies\.json is a profile of latencies, not of training steps"):
        settled(step="./latencies.json")


def test_a_limit_on_step_times_needs_a_profile(device):
    with pytest.raises(UserError, match="step=profile"):
        settled(**{"limit.step": 5, "step": "measured"})


def test_the_wrong_word_is_refused():
    with pytest.raises(UserError, match=r"step=profil: permitted: auto, profile, measured"):
        Config.of({"step": "profil"})


def test_a_search_with_a_profile(kept, profile):
    """No worker measures; rewards have S from the profile, and nothing over the limit is trained."""
    run = launch({**SETTINGS, "trials": 6, "run": "one", "limit.step": 6}, evaluate=looked_up)
    assert run.config.settings.step == "profile"
    assert len(run.ranked) == 6
    for trial in run.trials:
        assert trial.predicted.ms <= 6
        assert trial.step_ratio == pytest.approx(run.config.forecast.ratio(trial.architecture))
        assert trial.terms.costs[0].ratio == trial.step_ratio
    assert open_run("one").trials == run.trials
    kept.unlink()  # A run has a profile of its own.
    more = resume("one", {"trials": 7}, evaluate=looked_up)
    assert more.config.forecast.profile == profile
    assert len(more.ranked) == 7
    with pytest.raises(UserError, match="step cannot change"):
        resume("one", {"step": "measured"})


def test_the_best_are_measured_at_the_end(kept):
    run = launch({**SETTINGS, "trials": 7, "run": "two"}, evaluate=looked_up)
    measured = [trial.result.step_ms is not None for trial in run.ranked]
    assert measured == [True] * 5 + [False] * 2
    assert {(trial.result.step_ms, trial.result.step_ratio) for trial in run.ranked[:5]} == {(3.0, 1.5)}
    # What decides stays what was predicted, for all networks.
    assert all(trial.step_ratio == trial.terms.costs[0].ratio != 1.5 for trial in run.ranked)
    assert open_run("two").ranked == run.ranked


@pytest.mark.parametrize("gpus", [0, 1], ids=["here", "in a child"])
def test_what_was_measured_before_a_refusal_is_kept(kept, monkeypatch, gpus):
    asked = []

    def measure(network, reference, proxy, **options):
        asked.append(network)
        if len(asked) > 2:
            raise UserError("A step on 32 images does not fit into memory.")
        return StepTime(1.5, 0.0, 5, 3.0, 2.0, 3.0, 2.0)

    monkeypatch.setattr(measuring, "measure", measure)
    monkeypatch.setattr(remeasure_step_times, "in_child", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(remeasure_step_times, "gpus_for", lambda device: gpus)
    run = launch({**SETTINGS, "trials": 4, "run": "two"}, evaluate=looked_up)
    assert [trial.result.step_ms for trial in run.ranked] == [3.0, 3.0, None, None]


def test_a_limit_that_nothing_keeps_is_refused(kept):
    with pytest.raises(UserError, match="the fastest network of the space takes"):
        launch({**SETTINGS, "run": "none", "limit.step": 0.01}, evaluate=looked_up)


def test_which_profile_serves(kept, profile):
    assert here() == [profile]
    assert serving(Space.load("tiny_space"), here()) == profile
    assert serving(Space.load("effv2"), here()) is None
    assert closest(published("b0").architecture) == profile


def test_times_of_the_gpu_are_taken_although_the_cpu_has_measured_more_blocks(profile, monkeypatch):
    few = dict(list(profile.blocks.items())[:1])
    gpu = profile.model_copy(update={"device": replace(DEVICE, kind="cuda"), "blocks": few})
    monkeypatch.setattr(finding, "here", lambda batch, cost: [gpu, profile])
    assert closest(published("b0").architecture) == gpu


def test_without_any_profile_one_is_told_how_to_make_it(device):
    with pytest.raises(UserError, match="search profile space="):
        closest(published("b0").architecture)


def test_a_search_on_gpus_takes_its_times_in_child_processes(kept, monkeypatch):
    """The profile that predicts step times, and the times of the best networks at the end."""
    calls, notes = [], Notes()

    def in_child(function, *arguments):
        calls.append(function.__name__)
        return function(*arguments)

    monkeypatch.setattr(choosing, "in_child", in_child)
    monkeypatch.setattr(remeasure_step_times, "in_child", in_child)
    with made_up_gpus():
        run = launch(
            {**TINY, "trials": 4, "executor.per_gpu": 2, "run": "r", "finals": "off", "sampler": "random"},
            display=notes,
            evaluate=telling_its_device,
        )
    assert calls == ["_profile_of_gpu", "_all_times"]
    assert run.config.settings.step == "profile"
    assert {trial.result.graph.split()[0] for trial in run.ranked} <= {"cuda:0", "cuda:1"}
    assert all(trial.result.step_ms for trial in run.ranked)
    placed = "4 trials at a time on 2 GPUs (made-up card) (executor.per_gpu=2)"
    assert placed in notes.texts
    with closing(Ledger(run.path / LEDGER, write=False)) as ledger:
        assert ledger.noted("placement") == placed


class Notes(Silent):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)
