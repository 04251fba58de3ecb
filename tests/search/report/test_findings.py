"""The results of a run, in numbers and in sentences."""

import re
from dataclasses import replace
from itertools import combinations

import pytest
from helpers.runs import ENVIRONMENT_OF_ALL, filled, train_again

from search import open_run
from search.report.answers import advice, cards, overview
from search.report.findings import finals_differences, findings
from search.report.prose import differences, summary
from search.stats.differences import Differences
from search.stats.hits import encode_hits
from search.trials.answers import standard_error
from search.trials.records import FinalTraining
from space import UserError


def told(path):
    return in_words(findings(open_run(path)))


def in_words(found):
    return " ".join(f"{about}: {text}" for about, text in summary(found))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("runs") / "done", complete=30, sampler="gp")


@pytest.fixture(scope="module")
def with_finals(tmp_path_factory):
    path = filled(tmp_path_factory.mktemp("runs") / "r", complete=60, sampler="gp", finals="auto")
    train_again(path)
    return open_run(path)


def test_the_winner_and_the_next_commands(done):
    best, text = open_run(done).best, told(done)
    assert "The search is finished: 30 complete of 30." in text
    assert f"is trial {best.number}: {best.terms}, from a single training" in text
    assert str(best.architecture) in text
    assert f"search show {done}:{best.number}" in text
    assert f"search train {done}:best" in text
    assert f"search train {done}:best" in advice(findings(open_run(done)))
    assert f"scale --base {done}:{best.number} --phi 1" in text


def test_the_margin_over_random_draws(done):
    margin, text = findings(open_run(done)).over_random, told(done)
    assert margin.low <= margin.mean <= margin.high
    assert margin.draws == 8
    assert f"The winner's reward is {abs(margin.mean):.4f}" in text
    assert f"(95 % interval {margin.low:+.4f} to {margin.high:+.4f}, by resampling the n = 8 networks" in text
    assert "In this comparison, random search had 8 trainings and this search 30." in text


def test_another_search_can_be_the_baseline(done, tmp_path):
    drawn = open_run(filled(tmp_path / "drawn", complete=30, seed=5))
    found = findings(open_run(done), drawn)
    assert (len(found.drawn), found.over_random.draws) == (30, 30)
    text = in_words(found)
    assert f"that {drawn.name} drew at random" in text
    assert "random search had" not in text


def test_a_baseline_must_compare(done, tmp_path):
    other = open_run(filled(tmp_path / "o", reward__w=0))
    with pytest.raises(UserError, match="differ in reward"):
        findings(open_run(done), other)


def test_single_trainings_never_differ_significantly(done):
    found = findings(open_run(done))
    assert not found.comparison.fresh
    assert found.comparison.differences.pairs() == []
    if len(found.comparison.trials) > 1:
        assert "Every network was trained once" in " ".join(differences(found))


def test_without_training_another_seed_changes_nothing(tmp_path):
    untrained = {"space": "inside:b0", "proxy": "finetune", "proxy__epochs": 0}
    found = findings(open_run(filled(tmp_path / "r", complete=12, **untrained)))
    assert found.untrained and not findings(open_run(filled(tmp_path / "o"))).untrained
    text = dict(summary(found))
    nothing = (
        "Nothing was trained: accuracies are those of inherited weights, and another seed changes nothing."
    )
    assert text["Noise"].startswith(nothing) and overview(found).note.startswith(nothing)
    assert text["Differences"] in (
        nothing,
        "There is no other network to compare the accuracy of the winner with.",
    )
    told = " ".join((*text.values(), overview(found).note, str(cards(found))))
    assert "(inherited weights)" in told
    for claim in ("one training", "trained once", "single training", "could reverse"):
        assert claim not in told


def test_finals_are_compared_over_seeds_and_images(with_finals):
    found = findings(with_finals)
    trials = found.comparison.trials
    assert found.comparison.fresh
    assert {trial.number for trial in trials} == {trial.number for trial in found.verdict.standing}
    tested = Differences([trial.final_accuracies for trial in trials], images=2400)
    for one, other in combinations(range(len(trials)), 2):
        assert found.comparison.difference(trials[one], trials[other]) == tested.difference(one, other)


@pytest.mark.parametrize("seed", range(6))
def test_the_page_names_exactly_the_pairs_that_its_numbers_call_significant(tmp_path, seed):
    """The statements of a page follow from the accuracies, seeds and images of its own JSON."""
    path = filled(tmp_path / "r", complete=46, sampler="random", finals="auto", seed=seed)
    train_again(path, alike=seed % 2 == 1)
    found = findings(open_run(path))
    values = found.values()
    text = dict(summary(found))["Differences"]
    stated = {
        tuple(map(int, pair)) for pair in re.findall(r"trial (\d+) is more accurate than trial (\d+)", text)
    }
    compared = values["compared"]
    tested = Differences([each["accuracies"] for each in compared], images=values["effective_images"])
    expected = set()
    for one, other in combinations(range(len(compared)), 2):
        estimate = tested.difference(one, other)
        if estimate.half is not None and abs(estimate.mean) > estimate.half:
            pair = compared[one]["trial"], compared[other]["trial"]
            expected.add(pair if estimate.mean > 0 else pair[::-1])
    assert stated == expected
    assert {(each["more"], each["less"]) for each in values["differences"] if each["significant"]} == expected


def test_the_base_is_compared_by_cost_and_accuracy(tmp_path):
    named = str(open_run(filled(tmp_path / "a", complete=30)).trials[0].architecture)
    path = filled(tmp_path / "r", complete=30, first=named, finals="auto")
    train_again(path)
    found = findings(open_run(path))
    winner, base = found.winner, found.base_trial
    assert base.number == 0 and len(base.final_accuracies) == 2
    estimate = found.comparison.difference(winner, base)
    mean = sum(winner.final_accuracies) / 2 - sum(base.final_accuracies) / 2
    assert estimate.mean == pytest.approx(mean)
    assert f"accuracy {mean:+.4f} (95 % interval +- {estimate.half:.4f}" in told(path)


def test_a_base_that_was_not_trained_is_compared_by_cost(tmp_path):
    text = told(filled(tmp_path / "r", complete=30, sampler="gp", **{"reward.reference": "v2-b0"}))
    assert "Compared with the base network, v2-b0, the winner has" in text
    assert "times fewer parameters" in text
    assert "was not trained in this search" in text
    assert "first=v2-b0 trains it first" in text


def test_cards_show_the_answers(with_finals):
    found = findings(with_finals)
    shown = cards(found)
    assert [card.title for card in shown] == ["Best", "Most accurate", "Cheapest"]
    assert [card.subtitle for card in shown] == [f"trial {trial.number}" for trial in found.answers.values()]
    assert "±" in dict(shown[0].pairs)["Accuracy"]
    accurate = found.answers["most-accurate"]
    finalists = [sum(t.final_accuracies) / 3 for t in found.verdict.standing]
    assert sum(accurate.final_accuracies) / 3 == pytest.approx(max(finalists))


def test_a_saturated_proxy_gives_no_false_statistics(tmp_path):
    path = filled(tmp_path / "r", complete=20, accuracy=1.0, finals="auto")
    train_again(path, alike=True)
    text = told(path)
    assert "all trials have the same accuracy" in text
    assert "No two of the 3 networks that were trained with fresh seeds differ significantly" in text
    assert "+- 0.0000" not in text


def test_the_finals_decide_and_give_the_noise_of_the_proxy(with_finals):
    text = in_words(findings(with_finals))
    verdict = with_finals.verdict
    winner = verdict.winner
    assert (
        f"is trial {winner.number}: {winner.final_terms}, the mean of n = 3 trainings with fresh seeds"
        in text
    )
    assert f"varies by {verdict.noise.seed:.4f} from seed to seed" in text
    assert "The winner's mean reward is" in text
    assert findings(with_finals).state == "finished"


def test_data_device_and_cost(done):
    text = told(done)
    assert (
        "Images: shapes, 2 classes, 9,600 training and 2,400 validation images. These images are generated"
        in text
    )
    assert "Device: A processor, 2 cores (proxy.device=auto)." in text
    assert "Cost: 15:00 on the clock, 9:15 of work" in text


def test_missing_records_are_called_unknown(tmp_path):
    known = {key: value for key, value in ENVIRONMENT_OF_ALL.items() if key != "data"}
    for number, environment in enumerate((known, {}, None)):
        text = told(filled(tmp_path / str(number), environment=environment))
        assert "The number of validation images is unknown" in text


def test_a_random_search_has_no_margin_over_itself(tmp_path):
    assert "so this search has no margin over random search" in told(filled(tmp_path / "r"))


def test_without_random_draws_the_text_names_a_baseline(tmp_path):
    text = told(filled(tmp_path / "r", sampler="grid"))
    assert "The margin over random search is unknown: 0 networks were drawn at random" in text
    assert "sampler=random pruner=none trials=12, then search report" in text


@pytest.mark.parametrize(
    ("trials", "text"),
    [
        ({"complete": 0}, "The search has no trial yet and is not running"),
        (
            {"complete": 0, "failed": 3},
            "no trial is complete. 3 trials failed, the last because: diverged at step 2",
        ),
        ({"complete": 2, "running": 2}, "was stopped before its end: 2 complete, 2 running of 4."),
    ],
)
def test_runs_that_are_not_finished(tmp_path, trials, text):
    assert text in told(filled(tmp_path / "r", **trials))


def test_recorded_hits_pair_the_networks_image_by_image(with_finals):
    images = with_finals.validation_images
    trials = with_finals.verdict.standing[:2]
    right = [number % 3 > 0 for number in range(images)]
    recorded = [
        replace(
            trial,
            final_trainings=tuple(
                replace(each, result=replace(each.result, hits=encode_hits(right)))
                for each in trial.final_trainings
            ),
        )
        for trial in trials
    ]
    alone, paired = (finals_differences(with_finals, each) for each in (trials, recorded))
    assert alone.hits is None
    assert paired.hits == [[float(hit) for hit in right]] * 2
    assert paired.difference(0, 1).half < alone.difference(0, 1).half


def test_balanced_accuracies_are_as_uncertain_as_their_small_classes(tmp_path):
    data = ENVIRONMENT_OF_ALL["data"] | {"effective_validation": 400.0}
    settings = {"data__balance": "loss", "proxy__validation_images": 1200, "finals": "auto"}
    path = filled(tmp_path / "r", complete=46, environment=ENVIRONMENT_OF_ALL | {"data": data}, **settings)
    train_again(path)
    run = open_run(path)
    found = findings(run)
    assert run.validation_images == found.images == 1200 and run.effective_images == 200
    assert found.comparison.differences.images == found.searched.differences.images == 200
    best = found.answers["most-accurate"]
    assert run.answers.error == standard_error(best, run.verdict.standing, 200)
    # An earlier version did not note by how much: the choice of images is not counted then.
    path = filled(tmp_path / "old", complete=4, data__balance="loss")
    assert open_run(path).validation_images == 2400 and open_run(path).effective_images is None


def test_the_page_says_which_networks_have_no_fresh_seeds(tmp_path):
    """Imported trials can have them where the winner of a search without finals has none."""
    run = open_run(filled(tmp_path / "r", complete=4))
    winner = run.best
    finals = tuple(FinalTraining(seed, 1, "complete", result=winner.result) for seed in (1, 2))

    def page(*fresh):
        trials = (replace(t, final_trainings=finals) if t.number in fresh else t for t in run.trials)
        found = findings(replace(run, trials=tuple(trials)))
        base = next(t for t in found.run.trials if t.number == others[0])
        texts = dict(summary(replace(found, answers=dict.fromkeys(found.answers, winner), base_trial=base)))
        return texts["Differences"], texts["Against the base"]

    others = [trial.number for trial in run.trials if trial.number != winner.number]
    assert "(the winner has no training with fresh seeds)" in page(*others[:2])[1]
    alone = page(others[1])
    assert alone[0].startswith(f"Only trial {others[1]} was trained with fresh seeds")
    assert "(the winner and the base have no training with fresh seeds)" in alone[1]
    assert "(the base has no training with fresh seeds)" in page(winner.number, others[1])[1]
