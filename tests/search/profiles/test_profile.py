import json
from dataclasses import replace

import pytest
from helpers.fake_device import DEVICE, profile_of

from search.profiles import Profile
from search.profiles.campaign import Campaign
from search.profiles.profile import file_of, folder, saved_profiles
from space import Space, UserError


@pytest.fixture(scope="module")
def profile():
    return profile_of(Campaign(Space.load("tiny_space"), DEVICE, 32, max_networks=8))


def test_it_is_small_and_comes_back_as_it_was(profile, tmp_path):
    path = tmp_path / "p.json"
    profile.save(path)
    assert Profile.load(path) == profile
    assert Profile.load(path).digest == profile.digest
    assert path.stat().st_size < 10_000
    assert profile.resolution == 16


@pytest.mark.parametrize(
    ("device", "batch", "said"),
    [
        (DEVICE, 64, "batch 32, not 64"),
        (replace(DEVICE, processor="another"), 32, "processor a processor, not another"),
        (replace(DEVICE, torch="2.13.0"), 32, "torch 2.14.1, not 2.13.0"),
        (replace(DEVICE, kind="cuda", precision="bfloat16"), 32, "kind cpu, not cuda, precision float32"),
    ],
)
def test_it_is_refused_elsewhere(profile, device, batch, said):
    with pytest.raises(UserError, match=said):
        profile.check(device, batch)


def test_it_applies_to_its_own_device(profile):
    profile.check(DEVICE, 32)
    assert profile.differences(DEVICE, 32) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "version"),
        ({"batch": 0}, "batch"),
        ({"blocks": {"a": {"ms": -1, "spread": 0, "networks": 1}}}, "blocks.a.ms"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_invalid_document_is_refused_with_the_place(profile, tmp_path, change, said):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(json.loads(profile.model_dump_json()) | change))
    with pytest.raises(UserError, match=f"is not a profile: {said}"):
        Profile.load(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="Cannot read the profile"):
        Profile.load(tmp_path / "none.json")


def test_every_way_to_pin_choices_has_its_file():
    plain, pinned = Space.load("tiny_space"), Space.load("tiny_space", {"stages.0.width": 24})
    files = {
        file_of(DEVICE, 32, plain),
        file_of(DEVICE, 32, pinned),
        file_of(DEVICE, 16, plain),
        file_of(replace(DEVICE, torch="3.0"), 32, plain),
        file_of(DEVICE, 32, plain, "latency"),
        file_of(DEVICE, 32, plain, "latency", near=5),
        file_of(DEVICE, 32, plain, "latency", near=0.5),
    }
    assert len(files) == 7
    assert file_of(DEVICE, 32, plain) == file_of(DEVICE, 32, Space.load("tiny_space"))
    assert all(path.name.startswith("tiny_space-r16-b") for path in files)


def test_saved_profiles_of_the_device_are_listed(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert saved_profiles(DEVICE, 32) == []
    later = profile.model_copy(update={"made": "2999", "space": "later"})
    for one in (profile, later, profile.model_copy(update={"batch": 8, "space": "small"})):
        one.save(folder() / f"{one.space}.json")
    (folder() / "x.json").write_text("{}")
    assert saved_profiles(DEVICE, 32) == [later, profile]
    assert [found.space for found in saved_profiles(DEVICE, 8)] == ["small"]
    assert saved_profiles(replace(DEVICE, torch="3.0"), 32) == []


def test_a_profile_of_an_earlier_version_keeps_its_digest(profile):
    values = profile.model_dump(exclude={"near"})
    assert Profile.model_validate(values).digest == profile.digest
    assert profile.model_copy(update={"near": 5.0}).digest != profile.digest
