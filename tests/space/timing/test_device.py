from dataclasses import replace

import torch

from space.timing.device import Device, processor, this_device

DEVICE = Device("cpu", "a processor", 2, 1, "2.14.1")


def test_this_device():
    found = this_device()
    assert (found.kind, found.processor, found.threads) == ("cpu", processor(), 1)
    assert torch.__version__.startswith(found.torch)
    assert found.memory_format == "channels_last"
    assert this_device("cpu", "bfloat16").precision == "bfloat16"


def test_differences_are_named_with_both_values():
    assert DEVICE.differences(DEVICE) == ()
    other = replace(DEVICE, cores=8, precision="bfloat16")
    assert DEVICE.differences(other) == ("cores 2, not 8", "precision float32, not bfloat16")
