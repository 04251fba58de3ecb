"""What a run is said to have found, in figures and in words."""

import pytest
from helpers.runs import ENVIRONMENT_OF_ALL, filled, train_again

from search import open_run
from search.report.findings import findings
from search.report.prose import summary
from search.stats.confidence import image_deviation
from space import UserError


def told(path):
    return in_words(findings(open_run(path)))


def in_words(found):
    return " ".join(f"{about}: {text}" for about, text in summary(found))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("runs") / "done", complete=30, sampler="gp")


def test_the_winner_with_its_figures_and_what_to_do_next(done):
    best, text = open_run(done).best, told(done)
    assert "The search is finished: 30 complete of 30." in text
    assert f"The winner is trial {best.number}: {best.terms}." in text
    assert str(best.architecture) in text
    assert f"search show {done}:{best.number}" in text
    assert f"scale --base {done}:{best.number} --phi 1" in text


def test_its_margin_over_random_with_interval_and_n(done):
    found, text = findings(open_run(done)), told(done)
    lead = found.over_random
    assert lead.low <= lead.mean <= lead.high
    assert lead.n == 8
    assert f"The winner's reward is {abs(lead.mean):.4f}" in text
    assert f"(95 % interval {lead.low:+.4f} to {lead.high:+.4f}, by resampling the n = 8 networks" in text
    assert "beats a draw in" in text
    assert "Random search had 8 trainings there, this search 30" in text


def test_another_search_can_be_the_baseline(done, tmp_path):
    drawn = open_run(filled(tmp_path / "drawn", complete=30, seed=5))
    found = findings(open_run(done), drawn)
    assert (len(found.drawn), found.over_random.n) == (30, 30)
    text = in_words(found)
    assert f"that {drawn.name} drew at random" in text
    assert "Random search had" not in text


def test_a_baseline_must_compare(done, tmp_path):
    other = open_run(filled(tmp_path / "o", reward__w=0))
    with pytest.raises(UserError, match="differ in reward"):
        findings(open_run(done), other)


def test_its_margin_over_a_base_that_was_trained(tmp_path):
    named = str(open_run(filled(tmp_path / "a")).trials[0].architecture)
    path = filled(tmp_path / "r", first=named)
    found = findings(open_run(path))
    assert found.base_trial.number == 0
    winner, base = found.winner.result.accuracy, found.base_trial.result.accuracy
    assert found.over_base.mean == pytest.approx(winner - base)
    half = 1.96 * (image_deviation(winner, 2400) ** 2 + image_deviation(base, 2400) ** 2) ** 0.5
    assert found.over_base.high - found.over_base.mean == pytest.approx(half)
    text = told(path)
    assert f"accuracy {winner - base:+.4f} (95 % interval" in text
    assert "n = 1 training each" in text


def test_over_a_base_that_was_trained_again_the_interval_is_of_seeds(tmp_path):
    named = str(open_run(filled(tmp_path / "a", complete=30)).trials[0].architecture)
    path = filled(tmp_path / "r", complete=30, first=named, finals="auto")
    train_again(path)
    found = findings(open_run(path))
    winner, base = found.winner, found.base_trial
    assert base.number == 0 and len(base.final_accuracies) == 2
    mean = sum(winner.final_accuracies) / 2 - sum(base.final_accuracies) / 2
    half = found.verdict.noise.half(2, 2)
    assert (found.over_base.mean, found.over_base.n) == (pytest.approx(mean), 2)
    assert found.over_base.high - mean == pytest.approx(half)
    assert f"accuracy {mean:+.4f} (95 % interval {mean - half:+.4f} to {mean + half:+.4f}" in told(path)
    assert "of the means of n = 2 trainings with fresh seeds each" in told(path)


def test_a_base_that_was_not_trained_is_compared_by_cost_and_how_to_train_it_is_said(done):
    text = told(done)
    assert "the base network, v2-b0" in text
    assert "was not trained in this search" in text
    assert "seed=v2-b0 trains it first" in text


def test_how_noisy_the_proxy_is(done):
    found = findings(open_run(done))
    accuracy = found.winner.result.accuracy
    assert found.noise.accuracy == pytest.approx((accuracy * (1 - accuracy) / 2400) ** 0.5, rel=1e-3)
    assert found.noise.reward == pytest.approx(found.noise.accuracy * found.winner.terms.reward / accuracy)
    assert 0 <= found.noise.rivals <= found.noise.trials == 29
    assert f"of 2,400 validation images, a standard deviation of {found.noise.accuracy:.4f}" in told(done)


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_where_all_accuracies_are_at_an_end_none_is_certain_and_all_are_rivals(tmp_path, accuracy):
    path = filled(tmp_path / "r", complete=8, accuracy=accuracy)
    found, text = findings(open_run(path)), told(path)
    # Of 2,404 images, two on the other side.
    assert found.noise.accuracy == pytest.approx((2 / 2404 * 2402 / 2404 / 2404) ** 0.5)
    assert (found.noise.rivals, found.noise.trials) == (7, 7)
    assert "The 95 % interval of its accuracy is +- 0.0012, by its validation images alone" in text
    assert "7 of the 7 other complete trials cannot be told from the winner" in text


def test_a_saturated_proxy_is_told_without_false_statistics(tmp_path):
    path = filled(tmp_path / "r", complete=20, accuracy=1.0, finals="auto")
    train_again(path, alike=True)
    text = told(path)
    assert "(no interval can be given of the accuracy)" in text
    assert "the accuracies of the trials are all equal; warning: all trials have the same accuracy" in text
    assert "0.0000 to" not in text and "+- 0.0000" not in text


def test_the_finals_decide_and_say_how_noisy_the_proxy_is(tmp_path):
    path = filled(tmp_path / "r", complete=30, sampler="gp", finals="auto")
    assert findings(open_run(path)).state == "stopped"
    train_again(path)
    run, text = open_run(path), told(path)
    verdict = run.verdict
    winner = verdict.winner
    assert (
        f"The winner is trial {winner.number}: {winner.final_terms}, the mean of n = 2 trainings with fresh seeds"
        in text
    )
    assert f"(95 % interval +- {verdict.half:.4f} of the accuracy)" in text
    assert f"varies by {verdict.noise.seed:.4f} from seed to seed" in text
    assert "The winner's mean reward is" in text
    found = findings(run)
    assert found.state == "finished"
    other = filled(tmp_path / "o", complete=30, sampler="gp")
    # What was seen in the search has been chosen for being high.
    assert found.over_random.mean < findings(open_run(other)).over_random.mean


def test_data_device_and_cost(done):
    text = told(done)
    assert (
        "Images: shapes, 2 classes, 9,600 training and 2,400 validation images. These images are synthetic"
        in text
    )
    assert "Device: A processor, 2 cores (proxy.device=auto)." in text
    assert "Cost: 15:00 on the clock, 9:15 of work" in text


def test_what_a_run_does_not_tell_is_said_to_be_unknown(tmp_path):
    known = {key: value for key, value in ENVIRONMENT_OF_ALL.items() if key != "data"}
    for number, environment in enumerate((known, {}, None)):
        text = told(filled(tmp_path / str(number), environment=environment))
        assert "What the choice of validation images does is unknown" in text


def test_a_search_at_random_has_no_margin_over_itself(tmp_path):
    assert "this search is a baseline" in told(filled(tmp_path / "r"))


def test_without_random_draws_the_way_to_a_baseline_is_said(tmp_path):
    text = told(filled(tmp_path / "r", sampler="grid"))
    assert "Its margin over random search is unknown: 0 networks were drawn at random" in text
    assert "sampler=random pruner=none trials=12, then search report" in text


@pytest.mark.parametrize(
    ("trials", "text"),
    [
        ({"complete": 0}, "The search has begun no trial, and nobody drives it"),
        (
            {"complete": 0, "failed": 3},
            "no trial is complete. 3 failed, the last because: diverged at step 2",
        ),
        (
            {"complete": 2, "running": 2},
            "ended before its time, and nobody drives it: 2 complete, 2 running of 4.",
        ),
    ],
)
def test_runs_that_are_not_finished(tmp_path, trials, text):
    assert text in told(filled(tmp_path / "r", **trials))
