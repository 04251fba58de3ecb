import torch

from space.timing.clock import marks_of, settled, timer_of, undisturbed

CPU = torch.device("cpu")


def test_a_timer_tells_both_times():
    own, wall = timer_of(CPU)(lambda: torch.randn(100, 100) @ torch.randn(100, 100))
    assert own > 0
    assert wall > 0


def test_marks_begin_anew_when_they_are_read():
    marks = marks_of(CPU)
    for _ in range(3):
        marks.mark()
    first = marks.read()
    assert first[0] == 0
    assert first == sorted(first)
    marks.mark()
    assert marks.read() == [0]


def test_threads_and_random_state_are_put_back():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with undisturbed(CPU):
        assert torch.get_num_threads() == 1
        assert torch.is_grad_enabled()
        torch.randn(3)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_it_can_be_entered_twice():
    with undisturbed(CPU), undisturbed(CPU):
        assert torch.randn(2**22).numel() == 2**22


def test_a_settled_timer_repeats_short_steps():
    runs = []

    def timer(step):
        before = len(runs)
        step()
        return 2.0 * (len(runs) - before), 3.0 * (len(runs) - before)

    assert settled(timer, 7.0)(lambda: runs.append(1)) == (2.0, 3.0)
    assert len(runs) == 1 + 1 + 4
    assert settled(timer, 1.0)(lambda: runs.append(1)) == (2.0, 3.0)
    assert len(runs) == 6 + 2


def test_several_threads_are_timed_by_the_wall_clock():
    own, wall = timer_of(CPU, threads=2)(lambda: None)
    assert own == wall
