from search.samplers import SAMPLERS, Observation
from search.samplers.automatic import Changing
from space import Space

TINY = Space.load("tiny_space")


class Fixed:
    def __init__(self, point):
        self.point = point

    def propose(self, history, seed):
        return self.point


def test_the_model_is_changed_after_so_many_trials():
    changing = Changing(Fixed((0,)), Fixed((1,)), until=3)
    history = [Observation(number, (2,), 1.0, finished=True) for number in range(3)]
    duplicates = [Observation(-1, (2,), None, finished=True)] * 5
    assert changing.propose(history[:2] + duplicates, 0) == (0,)
    assert changing.propose(history, 0) == (1,)


def test_it_is_the_process_and_then_the_trees():
    auto, history = SAMPLERS["auto"](sampler="auto", until=12), []
    alone = {
        name: SAMPLERS[name](sampler=name).within(TINY, lambda a: True) for name in ("ordinal_gp", "tpe")
    }
    proposer = auto.within(TINY, lambda network: True)
    for number in range(16):
        name = "ordinal_gp" if number < 12 else "tpe"
        point = proposer.propose(history, number)
        assert point == alone[name].propose(history, number)
        history.append(Observation(number, point, 1.0 + sum(point), finished=True))
