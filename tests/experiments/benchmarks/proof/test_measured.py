"""The shares of a search's networks that are over its limit, with invented measurements."""

from experiments.benchmarks.proof.measured import Measured, summary


def test_shares_are_told_for_each_third_and_for_the_best():
    """Of twelve trials, only those from number 8 on are too slow, and they are the most accurate."""
    every = [
        Measured(
            "r", n, "network", n / 100, limit_ms=1.0, predicted_ms=0.8, measured_ms=1.2 if n >= 8 else 0.8
        )
        for n in range(12)
    ]
    assert list(summary(every)) == [
        "r, trials 0 to 3: 0 of 4 over the limit; measured / predicted 1.000",
        "r, trials 4 to 7: 0 of 4 over the limit; measured / predicted 1.000",
        "r, trials 8 to 11: 4 of 4 over the limit; measured / predicted 1.500",
        "r, best 10: 4 of 10 over the limit; measured / predicted 1.200",
    ]


def test_two_percent_over_the_limit_are_the_error_of_measuring():
    assert not Measured("r", 0, "network", 0.5, 1.0, 1.0, 1.02).slow
    assert Measured("r", 0, "network", 0.5, 1.0, 1.0, 1.021).slow
