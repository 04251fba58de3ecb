import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.stats.hits import MAX_IMAGES, decode_hits, encode_hits, mean_hits, networks_hits


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_hits_survive_the_encoding(hits):
    assert mean_hits([encode_hits(hits)], len(hits)) == [float(hit) for hit in hits]
    assert decode_hits(encode_hits(hits), len(hits)).tolist() == hits


def test_the_mean_is_over_trainings():
    texts = [encode_hits(hits) for hits in ([True, False, True], [True, True, False])]
    assert mean_hits(texts, 3) == [1.0, 0.5, 0.5]


@pytest.mark.parametrize("texts", [[], [""], [encode_hits([True] * 3), ""], [encode_hits([True] * 9)]])
def test_missing_hits_give_none(texts):
    assert mean_hits(texts, 3) is None


def test_networks_are_paired_only_where_all_have_recorded_their_hits():
    one, other = encode_hits([True, False, True]), encode_hits([True, True, False])
    assert networks_hits([[one, other], [other]], 3) == [[1.0, 0.5, 0.5], [1.0, 1.0, 0.0]]
    assert networks_hits([[one], [""]], 3) is None
    assert networks_hits([[one], [other]], None) is None


def test_very_many_images_are_not_recorded():
    assert encode_hits([True] * (MAX_IMAGES + 1)) == ""
