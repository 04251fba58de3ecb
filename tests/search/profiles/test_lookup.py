from helpers.fake_device import DEVICE, profile_of

from search.profiles.campaign import Campaign
from search.profiles.lookup import COVERED, covered, serving
from space import Space

TINY = Space.load("tiny_space")


def test_a_profile_serves_its_space_and_what_is_pinned_in_it():
    profile = profile_of(Campaign(TINY, DEVICE, 32))
    pinned = Space.load("tiny_space", {"stages.0.kernel": 3})
    wider = Space.load("tiny_space", {"stages.*.width": 40})
    assert serving(TINY, [profile]) is serving(pinned, [profile]) is profile
    assert serving(wider, [profile]) is None
    networks = [TINY.at(point) for point in list(TINY.points())[:5]]
    assert covered(networks, profile) == 1
    assert covered([wider.at((0,) * len(wider.choices))], profile) < COVERED


def test_the_first_that_serves_is_taken():
    profile = profile_of(Campaign(TINY, DEVICE, 32))
    bare = profile.model_copy(update={"blocks": {}})
    again = profile.model_copy(update={"space": "again"})
    assert serving(TINY, [bare, profile, again]) is profile
