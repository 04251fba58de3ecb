import fcntl

import pytest
from helpers.fake_device import DEVICE, profile_of

from search.profiles import profiling
from search.profiles.campaign import Campaign
from search.profiles.profiling import device_for, make
from space import Space, UserError
from space.timing.device import processor


def test_this_device():
    found = device_for("cpu")
    assert (found.kind, found.threads, found.precision) == ("cpu", 1, "float32")
    assert found.processor == processor()
    assert device_for("cpu", "bfloat16").precision == "bfloat16"


@pytest.mark.parametrize("name", ["mps", "xpu"])
def test_devices_that_nothing_times_are_refused(name, monkeypatch):
    monkeypatch.setattr(f"torch.{name}.is_available", lambda: True)
    with pytest.raises(UserError, match="no profiles of the device"):
        device_for(name)


def test_a_profile_that_another_process_measures_is_waited_for(tmp_path, monkeypatch):
    space, path = Space.load("tiny_space"), tmp_path / "x.json"
    monkeypatch.setattr(profiling, "device_for", lambda device, precision: DEVICE)
    profile = profile_of(Campaign(space, DEVICE, 32, max_networks=4))
    other = (tmp_path / "x.json.part").open("a")
    fcntl.flock(other, fcntl.LOCK_EX)

    def wait(waited_for):
        assert waited_for == path
        profile.save(path)
        other.close()

    assert make(space, out=path, wait=wait) == (profile, path)
    assert list(tmp_path.iterdir()) == [path]
