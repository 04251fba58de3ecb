import statistics

import pytest

from experiments.benchmarks.samplers.answers_with_known_truth import IMAGES, evaluation
from search.config import Config
from search.proxy.evaluate import Request
from search.stats.hits import mean_hits

NETWORK = "r16_i8_s1/mb_d1_k3_s2_e1_w16/h32_c10"


def request(network=NETWORK, seed=0):
    config = Config.of({"space": "tiny_space", "proxy": "tiny"})
    return Request(0, 1, network, config.proxy, config.data, seed)


def test_the_invented_accuracy_is_the_truth_on_average_and_repeats():
    results = [evaluation(lambda network: 0.7, search, request()) for search in range(40)]
    assert statistics.fmean(result.accuracy for result in results) == pytest.approx(0.7, abs=0.02)
    assert evaluation(lambda network: 0.7, 0, request()) == results[0]
    assert statistics.fmean(mean_hits([results[0].hits], IMAGES)) == pytest.approx(results[0].accuracy)


def test_networks_of_a_search_share_their_images():
    other = NETWORK.replace("w16", "w24")
    hits = [
        mean_hits([evaluation(lambda network: 0.7, 0, request(each, 1)).hits], IMAGES)
        for each in (NETWORK, other)
    ]
    assert statistics.correlation(*hits) > 0.3
