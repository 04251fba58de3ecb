from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from search.compare.comparison import Compared, Trained
from search.compare.contender import RANDOM, Contender
from search.compare.evaluation import Evaluation
from search.compare.levels import Lineup
from search.compare.sentences import conclusions
from search.compare.settings import Settings
from search.compare.table import read, read_sentences, rows, write
from search.reward import EfficientNetV2, Reward
from search.stats.hits import encode_hits
from search.training.recipe import Recipe
from space import Architecture, decode
from space.timing.ratio import StepTime

SMALL = decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/h8_c2")
LARGE = decode("r32_i8_s1/mb_d4_k3_s2_e4_w16/h64_c2")
IMAGES = 2000
REWARD, RECIPE = EfficientNetV2(reward="effv2"), Recipe()


@dataclass(frozen=True)
class Plan:
    """The parts of a plan that the table reads."""

    leads: tuple[Contender, ...]
    settings: Settings
    out: Path = Path()
    config: None = None
    reward: Reward | None = REWARD
    reference: Architecture = SMALL
    recipe: Recipe = RECIPE


def trained(name, *accuracies, network=SMALL, ratio=1.0, level=0):
    """A network whose trainings err on the same images, as far as they err alike."""
    step = StepTime(ratio, 0.01, 7, 3.0, 3.0, 3.0, 3.0)
    evaluations = tuple(
        Evaluation(value, 0.5, IMAGES, encode_hits([place < value * IMAGES for place in range(IMAGES)]))
        for value in accuracies
    )
    return Trained(Contender(name, network, "here", name, level), evaluations, 1.0, 12.0, step)


def compared(*every, split="test", out=Path()):
    leads = tuple(one.contender for one in every if one.contender.name.startswith("mine"))
    bounds = tuple(f"{100 * (level + 1)} params" for level in range(len(leads)))
    plan = Plan(leads, Settings(split=split), out)
    return Compared(plan, Lineup(tuple(one.contender for one in every), (), bounds), every, None)


def with_random(*accuracies, split="test"):
    return compared(trained("mine", 0.80, 0.82, 0.81), trained(RANDOM, *accuracies), split=split)


def test_rows_have_means_differences_and_rewards():
    lead, other = rows(with_random(0.70, 0.725, 0.71))
    assert lead["accuracy"] == pytest.approx(0.81) and lead["reward"] == pytest.approx(0.81)
    assert "difference" not in lead
    assert other["difference"] == pytest.approx(-0.295 / 3)
    assert other["significant"] and other["reward_significant"]
    assert 0 < other["seeds_half"] < other["difference_half"] < 0.03
    assert other["params"] < 1000 and other["seconds"] == 12 and other["accuracies"] == [0.70, 0.725, 0.71]
    assert other["images"] == IMAGES and other["split"] == "test" and other["bound"] == "100 params"


def test_images_are_paired():
    """Networks that err on the same images differ more certainly than the accuracies alone tell."""
    every = trained("mine", 0.80, 0.82, 0.81), trained("b0", 0.79, 0.811, 0.80)
    alike = rows(compared(*every))[1]["difference_half"]
    unknown = [
        Trained(
            one.contender,
            tuple(Evaluation(e.accuracy, 0, IMAGES, "") for e in one.evaluations),
            1.0,
            1.0,
            one.step,
        )
        for one in every
    ]
    assert alike < rows(compared(*unknown))[1]["difference_half"] / 3


def test_balanced_accuracies_count_as_on_fewer_images():
    """Small classes make the mean of the classes' accuracies uncertain, and nothing is known image by image."""

    def table(effective):
        every = trained("mine", 0.80, 0.82, 0.81), trained("b0", 0.79, 0.811, 0.80)
        unpaired = [
            replace(one, evaluations=tuple(replace(e, hits="", effective=effective) for e in one.evaluations))
            for one in every
        ]
        return rows(compared(*unpaired))

    halves = [table(effective)[1]["difference_half"] for effective in (IMAGES, IMAGES / 4)]
    assert 1.8 < halves[1] / halves[0] < 2.1
    assert all(row["images"] == IMAGES and not row["paired"] for row in table(IMAGES / 4))


def test_the_cost_counts_in_the_reward():
    _, other = rows(compared(trained("mine", 0.8, 0.811), trained("b0", 0.8, 0.81, network=LARGE, ratio=2.0)))
    assert other["difference"] == pytest.approx(-0.0005) and not other["significant"]
    assert other["reward_difference"] < 0 and other["reward_significant"]


def test_networks_are_compared_with_the_lead_of_their_level():
    every = [trained("mine 0", 0.8, 0.81), trained("b0", 0.7, 0.712)]
    every += [trained("mine 1", 0.9, 0.912, level=1), trained("b0", 0.7, 0.713, level=1)]
    table = rows(compared(*every))
    assert [row["what"] for row in table] == ["mine 0", "b0", "mine 1", "b0"]
    assert [row.get("difference") and round(row["difference"], 2) for row in table] == [
        None,
        -0.1,
        None,
        -0.2,
    ]
    lines = conclusions(table)
    assert lines[0].startswith("At 100 params, mine 0 (0.8050) is significantly more accurate than b0")
    assert lines[1].startswith("At 200 params, mine 1")


@pytest.mark.parametrize(
    ("random", "said"),
    [
        ((0.70, 0.725, 0.71), "The search paid"),
        ((0.79, 0.83, 0.80), "did not pay significantly"),
        ((0.90, 0.925, 0.91), "did NOT pay"),
    ],
)
def test_sentences_say_whether_the_search_paid(random, said):
    lines = conclusions(rows(with_random(*random)))
    assert lines[1].startswith(f"The search {said.removeprefix('The search ')}")
    places = {"The search paid": "more accurate than", "did NOT pay": "LESS accurate than"}
    assert places.get(said, "not significantly different from") in lines[0]


def test_one_training_is_too_few():
    line = conclusions(rows(compared(trained("mine", 0.8), trained("b0", 0.9))))[0]
    assert "is number 2 of 2" in line and "may be chance" in line


def test_looks_at_the_test_split_are_told():
    table = rows(with_random(0.7, 0.72, 0.71))
    assert conclusions(table, (), ["2026-11-28"])[-1] == "The test split was evaluated once, on 2026-11-28."
    assert "2 times" in conclusions(table, (), ["2026-11-28", "2026-11-29"])[-1]
    selected = conclusions(rows(with_random(0.7, 0.72, 0.71, split="validation")))[-1]
    assert "split=test" in selected


def test_written_rows_can_be_read(tmp_path):
    result = compared(trained("mine", 0.8, 0.82), trained("b0", 0.7, 0.72), out=tmp_path)
    assert read(tmp_path) == [] and read_sentences(tmp_path) == []
    table = rows(result)
    sentences = conclusions(table, ["b1 is left out."])
    write(table, sentences, result.plan)
    again = read(tmp_path)
    assert conclusions(again, ["b1 is left out."]) == sentences == read_sentences(tmp_path)
    assert [row["what"] for row in again] == ["mine", "b0"]
