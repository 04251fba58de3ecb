from search.samplers import Observation
from search.samplers.ordinal_gp.stopping import CHECKS, MIN_GAIN, MIN_MODEL_RESULTS, STEP, EarlyStopping

FIRST = 8 + MIN_MODEL_RESULTS


def trials(count, failed=()):
    return [Observation(n, (n,), None if n in failed else 1.0, finished=True) for n in range(count)]


def stopping(expected):
    checked = []

    def expected_gain(history):
        checked.append(len(history))
        return expected(len(history))

    return EarlyStopping(expected_gain, startup=8), checked


def test_a_search_stops_after_checks_in_a_row_and_not_before_the_model_has_proposed():
    lasting, checked = stopping(lambda results: 0.0)
    assert [n for n in range(60) if lasting.reached(trials(n))] == list(range(FIRST, 60))
    assert checked == [FIRST, FIRST - STEP, FIRST + STEP, FIRST + 2 * STEP]
    late, _ = stopping(lambda results: MIN_GAIN * (1.5 if results < 64 else 0.5))
    assert next(n for n in range(200) if late.reached(trials(n))) == 64 + STEP * (CHECKS - 1)


def test_a_check_that_expects_a_gain_restarts_the_row():
    found, _ = stopping(lambda results: 1.0 if results in (40, 56) else 0.0)
    assert [n for n in range(0, 100, STEP) if found.reached(trials(n))] == [72, 80, 88, 96]


def test_a_resumed_search_decides_as_an_uninterrupted_one():
    lasting, _ = stopping(lambda results: 1 / results**2)
    failed = range(0, 100, 7)
    for count in range(100):
        fresh, _ = stopping(lambda results: 1 / results**2)
        assert lasting.reached(trials(count, failed)) == fresh.reached(trials(count, failed))


def test_running_trials_and_rejected_proposals_do_not_count():
    found, checked = stopping(lambda results: 0.0)
    history = trials(FIRST - 1)
    history.append(Observation(FIRST, (0,), None, finished=False))
    history.append(Observation(FIRST, (0,), None, finished=True, rejected=True))
    assert not found.reached(history)
    assert not checked
