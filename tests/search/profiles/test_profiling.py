import pytest

from search.profiles.profiling import device_for
from space import UserError
from space.timing.device import processor


def test_this_device():
    found = device_for("cpu")
    assert (found.kind, found.threads, found.precision) == ("cpu", 1, "float32")
    assert found.processor == processor()
    assert device_for("cpu", "bfloat16").precision == "bfloat16"


@pytest.mark.parametrize("name", ["mps", "xpu"])
def test_devices_that_nothing_times_are_refused(name):
    with pytest.raises(UserError, match="no profiles of the device"):
        device_for(name)
