from dataclasses import replace

import pytest
from faking import DEVICE, measured

from search.profiles.campaign import Campaign, run, samples
from space import Space

SPACE = Space.load("tiny_space")


@pytest.fixture
def campaign():
    return Campaign(SPACE, DEVICE, 32, most=6)


def test_all_networks_are_measured_once(campaign, tmp_path):
    path = tmp_path / "profiles" / "x.part"
    found = list(run(campaign, path, measured(campaign.reference)))
    assert [sample.architecture for sample in found] == list(map(str, campaign.networks))
    assert samples(campaign, path) == found
    assert list(run(campaign, path, measured(campaign.reference))) == []


def test_it_goes_on_after_an_interruption(campaign, tmp_path):
    path = tmp_path / "x.part"
    asked = []

    def measure(network):
        asked.append(network)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return measured(campaign.reference)(network)

    with pytest.raises(KeyboardInterrupt):
        list(run(campaign, path, measure))
    assert len(samples(campaign, path)) == 3
    # Killed while it wrote:
    path.write_text(path.read_text() + '{"architecture": "r16_')
    assert len(list(run(campaign, path, measured(campaign.reference)))) == 3
    assert len(samples(campaign, path)) == 6


@pytest.mark.parametrize("other", ["batch", "device", "space"])
def test_other_conditions_begin_anew(campaign, tmp_path, other):
    path = tmp_path / "x.part"
    list(run(campaign, path, measured(campaign.reference)))
    changes = {"device": replace(DEVICE, torch="3.0"), "space": Space.load("effv2_32"), "batch": 16}
    changed = replace(campaign, **{other: changes[other]})
    assert samples(changed, path) == []


def test_more_networks_go_on_with_what_is_there(campaign, tmp_path):
    path = tmp_path / "x.part"
    list(run(campaign, path, measured(campaign.reference)))
    more = Campaign(SPACE, DEVICE, 32, most=9)
    kept = samples(more, path)
    assert 3 <= len(kept) <= 6
    list(run(more, path, measured(more.reference)))
    assert len(samples(more, path)) == len(more.networks)


def test_a_file_of_something_else_is_no_sample(campaign, tmp_path):
    path = tmp_path / "x.part"
    assert samples(campaign, path) == []
    path.write_text("[1, 2]\nnonsense\n")
    assert samples(campaign, path) == []
