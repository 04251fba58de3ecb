from search.samplers import Observation
from search.samplers.ordinal_gp.stopping import CHECKS, LEAST, STEP, WORTH, Ending

FIRST = 8 + LEAST


def trials(count, failed=()):
    return [Observation(n, (n,), None if n in failed else 1.0, finished=True) for n in range(count)]


def ending(expected):
    asked = []

    def told(history):
        asked.append(len(history))
        return expected(len(history))

    return Ending(told, startup=8), asked


def test_it_is_over_when_checks_in_a_row_say_so_and_not_before_the_model_has_proposed():
    lasting, asked = ending(lambda results: 0.0)
    assert [n for n in range(60) if lasting.reached(trials(n))] == list(range(FIRST, 60))
    assert asked == [FIRST, FIRST - STEP, FIRST + STEP, FIRST + 2 * STEP]
    late, _ = ending(lambda results: WORTH * (1.5 if results < 64 else 0.5))
    assert next(n for n in range(200) if late.reached(trials(n))) == 64 + STEP * (CHECKS - 1)


def test_a_check_that_expects_something_begins_the_row_again():
    found, _ = ending(lambda results: 1.0 if results in (40, 56) else 0.0)
    assert [n for n in range(0, 100, STEP) if found.reached(trials(n))] == [72, 80, 88, 96]


def test_a_search_that_is_taken_up_decides_as_one_that_went_on():
    lasting, _ = ending(lambda results: 1 / results**2)
    failed = range(0, 100, 7)
    for count in range(100):
        fresh, _ = ending(lambda results: 1 / results**2)
        assert lasting.reached(trials(count, failed)) == fresh.reached(trials(count, failed))


def test_what_runs_or_was_proposed_in_vain_does_not_count():
    found, asked = ending(lambda results: 0.0)
    history = trials(FIRST - 1)
    history += [Observation(FIRST, (0,), None, finished=False), Observation(-1, (0,), None, finished=True)]
    assert not found.reached(history)
    assert not asked
