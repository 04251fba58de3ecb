"""What the end of a search says on the screen."""

import io
from dataclasses import replace

import pytest
from helpers.quick import QUICK
from helpers.runs import filled
from rich.console import Console

from search import launch, open_run, resume
from search.cli.screen import show_finals, show_run, show_trial
from search.config import Config
from search.report.finals_text import _less_noise, finals_text, noise, single_trainings_text, warning
from search.report.findings import finals_differences
from search.testing import looked_up
from search.trials.finals import Noise

pytestmark = pytest.mark.usefixtures("at_home")

SMALL = {**QUICK, "reward.w": 0, "trials": 5, "finals.top": 2, "finals.seeds": 2}


def shown(found):
    console = Console(file=io.StringIO(), width=120)
    for part in found:
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue()


def interrupted(request, report):
    if request.seed == 2:
        raise KeyboardInterrupt
    return looked_up(request, report)


def test_a_run_ends_with_its_winner_and_how_sure_that_is():
    run = launch(SMALL, evaluate=looked_up)
    text = shown(show_run(run))
    best = run.verdict.winner
    half = finals_differences(run, run.verdict.standing).mean(0).half
    assert "finals: the best of the search, trained with 2 fresh seeds each" in text
    assert (
        f"winner: trial {best.number}, accuracy {best.final_terms.accuracy:.4f} +- {half:.4f} (95%)" in text
    )
    assert f"noise: the accuracy of one network varies by {run.verdict.noise.seed:.4f}" in text
    assert "Seed SD" in text
    assert "winner: trial" in shown(show_run(run, top=1))
    assert "winner: trial" not in shown(show_run(run, top=0))


def test_a_trial_tells_its_trainings():
    run = launch(SMALL, evaluate=looked_up)
    text = shown(show_trial(run, run.best))
    assert "accuracy with fresh seeds: " + ", ".join(f"{a:.4f}" for a in run.best.final_accuracies) in text
    assert "fresh seeds" not in shown(show_trial(run, run.ranked[-1]))


def test_a_search_without_finals_says_what_is_chance():
    text = shown(show_run(launch({**SMALL, "finals": "off", "finals.top": 0}, evaluate=looked_up)))
    assert (
        "noise: each network has one training, since there were no finals; differences under 31 points may be chance"
        in text
    )
    assert "fresh" not in text


def test_a_search_without_training_has_no_noise_of_seeds():
    untrained = {"space": "inside:b0", "proxy": "finetune", "proxy__epochs": 0}
    (line,) = single_trainings_text(open_run(filled("runs/r", **untrained)))
    assert line.startswith("noise: nothing was trained: accuracies are those of inherited weights")
    assert "one training" not in line


def test_similar_trials_that_are_not_named_are_counted(monkeypatch):
    monkeypatch.setattr("search.report.finals_text.SHOWN", 1)
    run = launch({**SMALL, "finals.top": 4}, evaluate=looked_up)
    tested = finals_differences(run, run.verdict.standing)
    standing = run.verdict.standing
    similar = [place for place in range(1, len(standing)) if not tested.difference(place, 0).significant]
    assert len(similar) > 1
    lines = list(finals_text(run, run.verdict))
    named = f"trials {standing[similar[0]].number} and {len(similar) - 1} more"
    assert f"its accuracy is not significantly different from {named}" in lines


def test_unfinished_finals_say_how_to_go_on():
    with pytest.raises(KeyboardInterrupt):
        launch(SMALL, evaluate=interrupted)
    text = shown(show_run(open_run("r")))
    assert "finals: 2 of 4 trainings of the best 2 with fresh seeds" in text
    assert "not running; continue with: search resume r" in text
    assert "winner" not in text
    assert "winner" in shown(show_run(resume("r", evaluate=looked_up)))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Noise(0.002, 10, 0.02), None),
        (
            Noise(0.01, 10, 0.02),
            "warning: the order of neighbours is mostly chance; try proxy.epochs=8",
        ),
        (Noise(0.015, 10, 0.02), "warning: the proxy is mostly noise; try proxy.epochs=8"),
    ],
)
def test_a_noisy_proxy_is_warned_of_with_what_helps(found, says):
    run = launch({**SMALL, "proxy.epochs": 4, "proxy.images": 50}, evaluate=looked_up)
    lines = list(warning(run, found))
    assert [line.startswith(says) for line in lines] == [True] * bool(says)
    assert all("proxy.images=null" in line for line in lines)


@pytest.mark.parametrize(
    ("settings", "accuracy", "seed", "says"),
    [
        ({"proxy.validation_images": None}, 1.0, 0.0,
         "costs alone decided; try fewer epochs (proxy.epochs=2), more images to validate on, harder data"),
        ({"proxy.epochs": 1}, 1.0, 0.01,
         "costs and chance decided; try proxy.validation_images=null, harder data"),
        ({}, 0.1, 0.0,
         "costs alone decided; try proxy.epochs=8, proxy.validation_images=null"),
    ],
)  # fmt: skip
def test_where_all_accuracies_are_the_same_the_proxy_is_not_called_noisy(settings, accuracy, seed, says):
    def alike(request, report):
        return replace(looked_up(request, report), accuracy=accuracy)

    run = launch({**SMALL, "proxy.epochs": 4, **settings}, evaluate=alike)
    alone = "warning: all trials have the same accuracy, so the proxy does not distinguish them:"
    assert list(warning(run, Noise(seed, 3, run.verdict.noise.networks))) == [f"{alone} {says}"]
    text = " ".join(finals_text(run, run.verdict))
    assert "from seed to seed (SD, 2 degrees of freedom); the accuracies of the trials are all equal" in text
    assert "reliability" not in text


def test_more_epochs_than_none_are_one():
    assert next(_less_noise(Config.of({"proxy": "finetune", "proxy.epochs": 0}).proxy)) == "proxy.epochs=1"


def test_noise_is_one_line():
    assert noise(Noise(0.01, 3, 0.02)) == (
        "noise: the accuracy of one network varies by 0.0100 from seed to seed (SD, 3 degrees of freedom);"
        " the accuracies of the trials vary by 0.0200: rank reliability 0.75"
    )


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_exactly_the_finalists_that_do_not_differ_significantly_are_named(offset):
    run = launch(SMALL, evaluate=looked_up)
    first, second = run.verdict.standing
    trainings = tuple(
        replace(each, result=replace(each.result, accuracy=mine - offset - 0.001 * number))
        for number, (each, mine) in enumerate(
            zip(second.final_trainings, first.final_accuracies, strict=True)
        )
    )
    verdict = replace(run.verdict, standing=(first, replace(second, final_trainings=trainings)))
    similar = not finals_differences(run, verdict.standing).difference(1, 0).significant
    assert similar == (offset == 0.0)
    named = f"its accuracy is not significantly different from trial {second.number}" in finals_text(
        run, verdict
    )
    assert named == similar


@pytest.mark.parametrize(("trials", "expected"), [(4, False), (5, True)])
def test_a_search_without_finals_warns_of_equal_accuracies_too(trials, expected):
    def alike(request, report):
        return replace(looked_up(request, report), accuracy=1.0)

    run = launch({**QUICK, "trials": trials, "finals": "off", "reward.w": 0}, evaluate=alike)
    assert any("all trials have the same accuracy" in str(line) for line in show_finals(run)) is expected
