"""The measurement of a network's training step alone."""

from search.proxy.measure import too_large


def test_a_smaller_batch_is_advised_only_where_there_is_one():
    assert str(too_large("A step", 5)) == "A step on 5 images does not fit into memory. Try batch=2."
    assert str(too_large("A step", 1)) == "A step on 1 image does not fit into memory."
