"""The device of a training: one that torch does not see is refused before anything is trained."""

import pytest
import torch

from search.proxy.device import choose_device
from space import UserError


@pytest.mark.parametrize("name", ["mps", "xpu", "cuda:7"])
def test_a_device_that_torch_does_not_see_is_refused(name, monkeypatch):
    for place in ("mps", "xpu", "cuda"):
        monkeypatch.setattr(f"torch.{place}.is_available", lambda: False)
    with pytest.raises(UserError, match=f"There is no device '{name}' here"):
        choose_device(name)


@pytest.mark.parametrize("name", ["mps", "xpu"])
def test_a_device_that_torch_sees_is_taken(name, monkeypatch):
    monkeypatch.setattr(f"torch.{name}.is_available", lambda: True)
    assert choose_device(name) == torch.device(name)


def test_a_machine_without_gpu_computes_on_its_cpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
