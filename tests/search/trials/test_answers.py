"""The answers of a search: best, most accurate, cheapest."""

import math
from dataclasses import replace

import pytest

from search.proxy.evaluate import Result
from search.reward import REWARDS
from search.settings.limits import Limits
from search.trials.answers import accuracy, answers, standard_error
from search.trials.records import FinalTraining, Record
from search.trials.trial import trial_from_record
from space import decode

REWARD = REWARDS["effv2"](reward="effv2", w=0)
SIZES = [decode(f"r16_i8_s1/mb_d1_k3_s2_e1_w{width}/h32_c10") for width in (8, 16, 24)]


def trial(number, accuracy, network, again):
    result = Result(accuracy, 1.0, 1, 10, 1.0, 1.0, (1.0,))
    finals = tuple(
        FinalTraining(seed, 1, "complete", "", replace(result, accuracy=each))
        for seed, each in enumerate(again, start=1)
    )
    record = Record(number, network.digest, str(network), 0, (), "complete", 1, "", 0.0, 1.0, result, finals)
    return trial_from_record(record, REWARD, SIZES[0])


def of(accuracies, images=None, limits=None, again=()):
    candidates = [
        trial(number, each, network=network, again=again[number] if again else ())
        for number, (each, network) in enumerate(zip(accuracies, SIZES, strict=True))
    ]
    return answers(candidates, candidates[0], REWARD, limits or Limits(), images)


def test_the_cheapest_is_within_one_standard_error_of_the_most_accurate():
    sure, unsure = of([0.60, 0.79, 0.80], images=100_000), of([0.60, 0.79, 0.80], images=400)
    assert unsure.error == pytest.approx(math.sqrt(0.8 * 0.2 / 400)) == 0.02
    assert [sure.most_accurate.number, sure.cheapest.number] == [2, 2]
    assert [unsure.most_accurate.number, unsure.cheapest.number] == [2, 1]
    assert unsure.names(unsure.cheapest) == ("cheapest",)
    assert sure.names(sure.cheapest) == ("most-accurate", "cheapest")


def test_a_limited_cost_decides_before_the_rewards():
    assert of([0.6, 0.7, 0.8]).cost == "params"
    assert of([0.6, 0.7, 0.8], limits=Limits(macs=10**9)).cost == "macs"


def test_seeds_and_images_both_add_to_the_standard_error():
    found = of([0.5, 0.5, 0.5], again=[(0.60, 0.62), (0.70, 0.72), (0.78, 0.80)], images=1000)
    assert accuracy(found.most_accurate) == pytest.approx(0.79)
    assert found.error == pytest.approx(math.sqrt(0.0002 / 2 + 0.79 * 0.21 / 1000))
    single = trial(0, 0.6, SIZES[0], ())
    assert standard_error(single, [single], None) == 0
