"""Which networks are measured, and what becomes of those that are too slow, on a made-up device."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from helpers.evaluations import Counting
from helpers.fake_device import latency_ms

from search import launch, resume
from search.engine import measured_latencies
from search.engine.display import Silent
from search.models import inference, onnx_session
from search.profiles import latency_bench
from search.settings.limits import Limits
from search.testing import looked_up
from search.trials.answers import eligible, exceeds
from search.trials.columns import row
from space import UserError

TINY = {"space": "tiny_space", "proxy": "tiny", "data.images": 400, "data.test_images": 20}
SETTINGS = {**TINY, "executor": "serial", "sampler": "random", "reward": "accuracy", "force_step": True}


@pytest.fixture
def stopwatch(monkeypatch, profile):
    """The machine of the profile. Returns the networks that are measured, and takes the error of each measurement."""
    measured, errors = [], iter(())

    class Bench:
        def ratio(self, network):
            measured.append(network)
            return next(bench.errors, 1.0) * latency_ms(network) / profile.reference_ms

    bench = Bench()
    bench.errors, bench.measured = errors, measured
    monkeypatch.setattr(inference.Conditions, "described", lambda self: profile.device)
    monkeypatch.setattr(
        latency_bench, "latency_bench", lambda conditions, reference, fastest_ms: nullcontext(bench)
    )
    return bench


def test_an_answer_that_is_too_slow_is_replaced(device, limit, stopwatch):
    """The first two answers that are measured take twice the limit and more; the next keeps it."""
    stopwatch.errors = iter((1e3, 1e3))
    settings = {**SETTINGS, "latency": "./phone.json", "limit.latency": limit, "trials": 6, "finals": "off"}
    notes = []
    display = Silent()
    display.note = notes.append
    run = launch({**settings, "run": "one"}, display=display, evaluate=looked_up)
    slow = [trial for trial in run.ranked if trial.result.latency_ms and trial.result.latency_ms > limit]
    assert [trial.architecture for trial in slow] == stopwatch.measured[:2]
    assert run.best == next(trial for trial in run.ranked if trial not in slow)
    for answer in (run.answers.best, run.answers.most_accurate, run.answers.cheapest):
        assert row(answer)["measured_latency_ms"] == pytest.approx(answer.latency.ms, rel=0.02)
    assert sum("over the limit" in note for note in notes) == 2
    assert len(stopwatch.measured) == len(set(stopwatch.measured)) <= 5


def test_networks_that_are_too_slow_are_not_trained_again(device, limit, stopwatch):
    """Two of the three leaders take a thousand times their predicted latency; the next two take their places."""
    stopwatch.errors = iter((1.0, 1e3, 1e3))
    settings = {**SETTINGS, "latency": "./phone.json", "limit.latency": limit, "trials": 8}
    notes = []
    display = Silent()
    display.note = notes.append
    counting = Counting()
    finals = {"finals.top": 3, "finals.seeds": 2, "finals.base": False}
    run = launch({**settings, **finals, "run": "one"}, display=display, evaluate=counting)
    first, *slow = stopwatch.measured[:3]
    assert [trial.architecture for trial in run.ranked[:3]] == [first, *slow]
    assert [exceeds(trial, run.config.limit) for trial in run.ranked[:3]] == [False, True, True]
    again = [trial for trial in run.ranked if trial.final_trainings]
    assert again == [trial for trial in run.ranked if trial.architecture not in slow][:3]
    assert len(counting.finals) == 6
    assert len(stopwatch.measured) == 5
    assert list(run.agenda.finalists) == again
    assert sum("over the limit" in note for note in notes) == 2
    # Nothing is measured or trained twice.
    resumed = resume("one", {"trials": 8}, evaluate=counting)
    assert (len(counting.finals), len(stopwatch.measured)) == (6, 5)
    assert resumed.verdict.winner == run.verdict.winner


def test_finals_of_networks_that_were_measured_afterwards_count(device, limit, stopwatch, monkeypatch):
    """The profile's device was another one during the search, so that nothing could be measured before the finals."""
    settings = {**SETTINGS, "latency": "./phone.json", "limit.latency": limit, "trials": 8}
    finals = {"finals.top": 3, "finals.seeds": 2, "finals.base": False}
    with monkeypatch.context() as other:
        other.setattr(measured_latencies, "unmeasurable", lambda profile: "it is of another device")
        run = launch({**settings, **finals, "run": "one"}, evaluate=looked_up)
    before = run.agenda.finalists
    assert stopwatch.measured == []
    stopwatch.errors = iter((1e3,))
    run = resume("one", {"trials": 8}, evaluate=looked_up)
    slow = [trial.number for trial in run.trials if exceeds(trial, run.config.limit)]
    assert slow == [before[0].number]
    assert [trial.number for trial in run.agenda.finalists] == [trial.number for trial in before]
    assert run.verdict.standing[-1].number == before[0].number


def test_a_measurement_that_fails_is_the_last_one(device, limit, stopwatch):
    def fails():
        yield 1.0
        raise UserError("no memory is left")

    stopwatch.errors = fails()
    settings = {**SETTINGS, "latency": "./phone.json", "limit.latency": limit, "trials": 8, "finals.top": 3}
    notes = []
    display = Silent()
    display.note = notes.append
    run = launch({**settings, "finals.seeds": 1, "run": "one"}, display=display, evaluate=looked_up)
    assert len(run.verdict.standing) >= 3
    assert "No further latency is measured: no memory is left" in notes


def test_imported_trials_become_answers_only_with_a_latency_of_this_run(device, limit, stopwatch):
    """The best network of the old run took a thousand times its latency there, which does not count here."""
    stopwatch.errors = iter((1e3,))
    settings = {**SETTINGS, "latency": "./phone.json", "limit.latency": limit, "finals": "off"}
    old = launch({**settings, "trials": 6, "run": "old"}, evaluate=looked_up)
    (slow,) = (trial for trial in old.ranked if exceeds(trial, old.config.limit))
    stopwatch.measured.clear()
    new = launch({**settings, "trials": 1, "run": "new", "from": "old"}, evaluate=looked_up)
    assert not any(exceeds(trial, new.config.limit) for trial in new.ranked)
    assert new.answers.best == new.ranked[0]
    for answer in (new.answers.best, new.answers.most_accurate, new.answers.cheapest):
        assert answer.architecture in stopwatch.measured
        assert row(answer)["measured_latency_ms"] == pytest.approx(answer.latency.ms, rel=0.02)
    measured = [trial for trial in new.trials if trial.result and trial.result.latency_ms]
    assert [trial.architecture for trial in measured if trial.state == "imported"]
    assert {trial.architecture for trial in measured} == set(stopwatch.measured)
    assert [trial.origin for trial in new.trials[:6]] == [f"old:{number}" for number in range(6)]
    assert new.trial(slow.number).architecture == slow.architecture


def test_a_missing_runtime_leaves_the_answers_unmeasured(device, monkeypatch, limit):
    monkeypatch.setattr(onnx_session, "missing", lambda: ["onnxruntime"])
    notes, display = [], Silent()
    display.note = notes.append
    settings = {**SETTINGS, "latency": "./phone.json", "limit.latency": limit, "trials": 2, "finals": "off"}
    launch({**settings, "run": "one"}, display=display, evaluate=looked_up)
    (note,) = (note for note in notes if "not measured" in note)
    assert note.startswith(
        "Latencies of the answers are not measured: Latencies in onnxruntime need onnxruntime: pip"
    )


def test_two_percent_over_the_limit_are_the_error_of_measuring():
    limits = Limits(latency=10)
    trial = lambda ms: SimpleNamespace(result=SimpleNamespace(latency_ms=ms))  # noqa: E731
    assert not exceeds(trial(10.19), limits)
    assert exceeds(trial(10.21), limits)
    assert not exceeds(trial(None), limits)
    assert not exceeds(trial(99.0), Limits())
    slow, fast = trial(11.0), trial(9.0)
    assert eligible([slow], [slow, fast], limits) == [fast]
    assert eligible([slow], [slow], limits) == [slow]
