import pytest

from search.compare.comparison import Trained
from search.compare.plan import RANDOM, WINNER, Contender
from search.compare.table import COLUMNS, EXACT, read, rows, verdict
from search.reward import EfficientNetV2
from search.tables.writing import write
from space import decode
from space.timing.ratio import StepTime

SMALL = decode("r32_i8_s1/mb_d1_k3_s2_e1_w8/h8_c2")
LARGE = decode("r32_i8_s1/mb_d4_k3_s2_e4_w16/h64_c2")
REWARD = EfficientNetV2(reward="effv2")


def trained(name, *accuracies, network=SMALL, ratio=1.0):
    step = StepTime(ratio, 0.01, 7, 3.0, 3.0, 3.0, 3.0)
    return Trained(Contender(name, network, "here"), accuracies, accuracies, 12.0, step)


def compared(*random):
    return rows([trained(WINNER, 0.80, 0.82, 0.81), trained(RANDOM, *random)], REWARD, SMALL)


def test_rows_have_means_differences_and_rewards():
    winner, other = compared(0.70, 0.725, 0.71)
    assert winner["accuracy"] == pytest.approx(0.81)
    assert winner["reward"] == pytest.approx(0.81)
    assert "difference" not in winner
    assert (
        other["difference"] == pytest.approx(-0.295 / 3)
        and other["significant"]
        and other["reward_significant"]
    )
    assert 0 < other["difference_half"] < 0.02
    assert other["params"] < 1000 and other["seconds"] == 12 and other["accuracies"] == [0.70, 0.725, 0.71]


def test_the_cost_counts_in_the_reward():
    _, other = rows(
        [trained(WINNER, 0.8, 0.811), trained("b0", 0.8, 0.81, network=LARGE, ratio=2.0)], REWARD, SMALL
    )
    assert other["difference"] == pytest.approx(-0.0005)
    assert other["reward_difference"] < 0 and other["reward_significant"]


@pytest.mark.parametrize(
    ("random", "said"),
    [
        ((0.70, 0.725, 0.71), "The search paid"),
        ((0.79, 0.83, 0.80), "did not pay significantly"),
        ((0.90, 0.925, 0.91), "did NOT pay"),
    ],
)
def test_sentences_say_whether_the_search_paid(random, said):
    assert said in " ".join(verdict(compared(*random)))


def test_one_training_is_too_few():
    assert "may be chance" in verdict(rows([trained(WINNER, 0.8), trained(RANDOM, 0.7)], REWARD, SMALL))[0]


def test_written_rows_can_be_read(tmp_path):
    table = compared(0.70, 0.72, 0.71)
    assert read(tmp_path) == []
    write(table, (*COLUMNS, *EXACT), "json", tmp_path / "comparison.json")
    again = read(tmp_path)
    assert verdict(again) == verdict(table)
    assert [row["what"] for row in again] == [WINNER, RANDOM]
