import fcntl
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from helpers.fake_device import DEVICE, latency_ms, latency_sample, profile_of

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


@pytest.mark.parametrize(("share", "second"), [(0.7, (6, 6)), (1e-6, (8, 4))], ids=["near", "none near"])
def test_networks_are_announced_once(tmp_path, monkeypatch, share, second):
    """After 4 networks of the whole space, others near a latency are measured; more of the space if few are near."""
    monkeypatch.setattr("search.profiles.campaign.FIRST", 2)
    monkeypatch.setattr("search.profiles.campaign._ENOUGH", 2)
    monkeypatch.setattr(profiling, "FIRST", 2)
    space = Space.load("effv2_32")
    unit = latency_ms(Campaign(space, DEVICE, 1).reference)
    bench = SimpleNamespace(
        seconds=lambda networks: 9.0 * len(networks), measure=lambda one: latency_sample(one, unit)
    )
    monkeypatch.setattr(profiling, "_bench", lambda *arguments: nullcontext(bench))
    begun = []
    make(
        space,
        latency=SimpleNamespace(described=lambda: DEVICE, batch=1),
        max_networks=6 if share < 0.1 else 8,
        near=share * unit,
        out=tmp_path / "x.json",
        begin=lambda campaign, missing, seconds: begun.append((len(campaign.networks), missing, seconds)),
    )
    assert begun == [(4, 4, 36.0), (*second, 9.0 * second[1])]
