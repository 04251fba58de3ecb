from search.samplers import SAMPLERS, Observation
from search.samplers.automatic import Switching
from space import Space

TINY = Space.load("tiny_space")


class Fixed:
    def __init__(self, point):
        self.point = point

    def propose(self, history, seed):
        return self.point


def test_the_proposer_switches_after_so_many_trials():
    switching = Switching(Fixed((0,)), Fixed((1,)), until=3)
    history = [Observation(number, (2,), 1.0, finished=True) for number in range(3)]
    duplicates = [Observation(9, (2,), None, finished=True, rejected=True)] * 5
    assert switching.propose(history[:2] + duplicates, 0) == (0,)
    assert switching.propose(history, 0) == (1,)


def test_it_is_the_gaussian_process_and_then_tpe():
    auto, history = SAMPLERS["auto"](sampler="auto", until=12), []
    alone = {name: SAMPLERS[name](sampler=name).proposer(TINY) for name in ("ordinal_gp", "tpe")}
    proposer = auto.proposer(TINY)
    for number in range(16):
        name = "ordinal_gp" if number < 12 else "tpe"
        point = proposer.propose(history, number)
        assert point == alone[name].propose(history, number)
        history.append(Observation(number, point, 1.0 + sum(point), finished=True))
