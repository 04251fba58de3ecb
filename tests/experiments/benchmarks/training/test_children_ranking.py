from experiments.benchmarks.training.children_ranking import PARENT, children, report, trainings
from space import decode
from space.choices.inside import places


def test_more_children_begin_with_fewer():
    networks = children(8)
    assert children(4) == networks[:4]
    assert all(places(decode(PARENT), network) for network in networks)


def test_the_first_half_has_all_its_trainings_before_the_second():
    rows = list(trainings(children(4), 6))
    assert len(set(rows)) == 4 * 4
    assert {network for network, _, _ in rows[:8]} == set(children(4)[:2])


def test_the_report_compares_with_the_mean_of_the_seeds():
    rows = []
    for number in range(4):
        alone = {"kind": "alone", "network": f"n{number}", "epochs": 6}
        rows += [alone | {"seed": seed, "accuracy": number / 10 + seed} for seed in (0, 1)]
        rows.append(alone | {"epochs": 1, "seed": 2, "accuracy": -number / 10})
    first, *lines = report(rows, 6)
    assert first.startswith("4 networks")
    assert "tau -1.0" in lines[0]
