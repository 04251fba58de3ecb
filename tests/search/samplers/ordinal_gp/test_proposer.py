from search.samplers import SAMPLERS, Observation
from space import Space, cost

SPACE = Space.load("effv2_32")
PROCESS = SAMPLERS["ordinal_gp"](sampler="ordinal_gp")


def searched(
    count, permits=lambda network: True, reward=lambda point: 1 / (1 + sum(point)), settings=PROCESS
):
    proposer, history = settings.proposer(SPACE, permits), []
    for number in range(count):
        point = proposer.propose(history, number)
        history.append(Observation(number, point, reward(point), finished=True))
    return history


def test_finds_the_best_of_a_simple_sum_in_a_few_trials():
    """The first of 10^8 points is the best; 8 are random, the others the model's."""
    assert max(trial.reward for trial in searched(8)) < 0.15
    assert max(trial.reward for trial in searched(20)) == 1


def test_a_network_over_a_limit_is_never_proposed():
    def permits(network):
        return cost(network).params < 250_000

    # The best network is large, so the best permitted ones are at the limit.
    history = searched(14, permits, lambda point: 1 + sum(point))
    assert all(permits(SPACE.at(trial.point)) for trial in history)
    assert max(trial.reward for trial in history[8:]) > max(trial.reward for trial in history[:8])


def test_no_network_is_proposed_twice_whatever_its_names():
    space = Space.load("tiny_space")
    proposer, history = PROCESS.proposer(space), []
    for number in range(40):
        point = proposer.propose(history, number)
        history.append(Observation(number, point, 1.0 + sum(point), finished=True))
    assert len({space.at(trial.point) for trial in history}) == 40


def test_more_trials_than_it_learns_from():
    few = SAMPLERS["ordinal_gp"](sampler="ordinal_gp", max_observations=10)
    rewards = [trial.reward for trial in searched(16, settings=few)]
    assert max(rewards) > max(rewards[:8])


def test_models_with_and_without_sizes_take_turns():
    process = SAMPLERS["ordinal_gp"]
    alternating, with_sizes, without = (
        process(sampler="ordinal_gp", sizes=sizes).proposer(SPACE) for sizes in ("alternate", True, False)
    )
    history = searched(11, reward=lambda point: 1 + cost(SPACE.at(point)).macs / 1e8 + point[0] / 9)
    turns = {8: without, 9: with_sizes, 10: with_sizes, 11: without}
    for count, expected in turns.items():
        assert alternating.propose(history[:count], 3) == expected.propose(history[:count], 3)
    assert with_sizes.propose(history, 3) != without.propose(history, 3)


def test_the_larger_expected_gain_of_two_models_counts():
    process, history = SAMPLERS["ordinal_gp"], searched(12)
    both, with_sizes, without = (
        process(sampler="ordinal_gp", sizes=sizes).proposer(SPACE)._expected_gain(history)
        for sizes in ("alternate", True, False)
    )
    assert both == max(with_sizes, without) > 0
