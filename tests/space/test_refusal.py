from space.refusal import Refused, unknown


def test_the_nearest_match_is_named():
    refusal = unknown("sampler", "tqe", ["random", "tpe"])
    assert isinstance(refusal, ValueError)
    assert isinstance(refusal, Refused)
    assert str(refusal) == "Unknown sampler 'tqe'. Did you mean 'tpe'? Permitted: random, tpe."


def test_nothing_is_suggested_when_nothing_is_near():
    assert str(unknown("key", 7, ["depth"])) == "Unknown key '7'. Permitted: depth."
