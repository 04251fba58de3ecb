from dataclasses import replace

import pytest
from helpers.jobs import Elsewhere, Square, squared

from search.executors import EXECUTORS
from search.executors.jobs import Tally, done, local
from search.testing.evaluations import Parcel, reversed_content

TRIED = []


def dying_once(job, report):
    TRIED.append(job.number)
    if TRIED.count(job.number) < 2:
        raise OSError("the disk")
    return 0


@pytest.fixture
def serial():
    return EXECUTORS["serial"].model_validate({"executor": "serial"})


def test_every_job_is_done_or_failed(serial):
    found = {}
    failed = done(
        serial, [Square(n) for n in range(5)], squared, lambda job, result: found.update({job: result})
    )
    assert found == {Square(n): n**2 for n in (0, 1, 2, 4)}
    assert failed == [(Square(3), "three is no good")]


def test_what_the_machine_is_to_blame_for_is_tried_again(serial):
    TRIED.clear()
    assert done(serial, [Square(0), Square(1)], dying_once, lambda job, result: None) == []
    assert sorted(TRIED) == [0, 0, 1, 1]


def test_finished_jobs_are_counted_with_those_before():
    tally = Tally(12, 2)
    assert [tally.finished()[0] for _ in range(2)] == ["11 of 12", "12 of 12"]
    assert Tally(1, 1).finished()[1] == "about 0:00 left"


@pytest.mark.slow
def test_processes_do_the_same():
    found = []
    failed = done(local(2), [Square(n) for n in range(4)], squared, lambda job, result: found.append(result))
    assert sorted(found) == [0, 1, 4]
    assert [job.number for job, _ in failed] == [3]


def test_a_job_goes_on_until_it_is_finished_and_may_fail_once_each_time(serial):
    TRIED.clear()
    results = []

    def finished(job, result):
        results.append(job.number)
        TRIED.clear()  # so that the next attempt fails again
        return len(results) < 3

    assert done(serial, [Square(0)], dying_once, finished) == []
    assert results == [0, 0, 0]


def test_jobs_are_packed_for_other_machines_alone(serial):
    found = []
    for executor in (serial, Elsewhere(executor="serial")):
        done(
            executor,
            [Parcel(0, b"ab")],
            reversed_content,
            lambda job, result: found.append((job.content, result)),
            packed=lambda job: replace(job, content=b"cd"),
        )
    # The job itself stays small.
    assert found == [(b"ab", b"ba"), (b"ab", b"dc")]
