"""Processes of a training join a group that their device can use."""

import pytest
import torch

from search.training.distributed import Processes, process_group


@pytest.mark.parametrize(
    ("device", "gpus", "backend"),
    [
        ("auto", True, "nccl"),
        ("cuda", True, "nccl"),
        ("cuda:1", True, "nccl"),
        ("cpu", True, "gloo"),
        ("auto", False, "gloo"),
        ("cpu", False, "gloo"),
    ],
)
def test_the_device_of_the_training_decides_how_processes_communicate(monkeypatch, device, gpus, backend):
    joined = []
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus)
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda name, timeout: joined.append(name))
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: joined.append("left"))
    with process_group(device) as processes:
        assert processes == Processes(rank=1, size=2, local_rank=1)
    assert joined == [backend, "left"]
