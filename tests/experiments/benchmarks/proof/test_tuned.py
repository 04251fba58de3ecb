"""The tuned recipe: every recipe is tried once, the recipe of all others first, and the best one is returned."""

from types import SimpleNamespace

from experiments.benchmarks.proof.tuned import CHOICES, DEFAULT, job, trainings_of_equal_cost, tuned
from search.training.settings import task_of

NETWORK = "r16_i8_s2/mb_d1_k3_s2_e1_w8/h8_c2"


def test_the_first_recipe_is_the_one_of_all_other_networks():
    task, _ = task_of(NETWORK, {"data": "shapes", **dict(job(NETWORK, "x.npz", DEFAULT).more)})
    plain, _ = task_of(NETWORK, {"data": "shapes"})
    assert task.recipe == plain.recipe and job(NETWORK, "x.npz", DEFAULT).rate == 1


def test_the_best_of_different_recipes_is_found_in_few_trials():
    seen = []

    def train(jobs):
        (one,) = jobs
        seen.append(one)
        settings = dict(one.more)
        off = (
            abs(one.rate - 2) / 4
            + abs(settings["recipe.weight_decay"] - 0.02)
            + settings["recipe.cutmix"] / 10
        )
        return [{"validation_accuracy": 0.7 - off}]

    best = tuned(NETWORK, "x.npz", 12, train)
    assert seen[0] == job(NETWORK, "x.npz", DEFAULT)
    assert len({one.key for one in seen}) == 12
    assert best.rate == 2 and dict(best.more)["recipe.cutmix"] == 0
    assert {one.seed for one in seen} == {0} and {one.split for one in seen} == {"validation"}
    again = []
    assert tuned(NETWORK, "x.npz", 12, lambda jobs: again.append(jobs[0]) or train(jobs)) == best
    assert again == seen[:12]


def test_a_search_costs_as_many_trainings_as_its_steps_are_worth():
    over, waiting = SimpleNamespace(over=True), SimpleNamespace(over=False)
    trials = [SimpleNamespace(final_trainings=(over, over)), SimpleNamespace(final_trainings=(over, waiting))]
    run = SimpleNamespace(
        trainings=48.0, trials=trials, config=SimpleNamespace(proxy=SimpleNamespace(epochs=2))
    )
    assert trainings_of_equal_cost(run) == 51 * 2 // 10
    assert len(CHOICES) == len(DEFAULT)
