import torch

from space.timing.clock import marks_of, timer_of, undisturbed

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
