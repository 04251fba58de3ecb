from dataclasses import replace

import pytest

from search.engine.launch import prepared, resume
from search.executors import gpus
from search.executors.gpus import Gpu, gpus_for, numbering, read_anew, seen, selected
from search.executors.placement import placed
from space import UserError

FOUR = [Gpu(number, f"GPU-{letter * 8}", "card", 10**10) for number, letter in enumerate("abcd")]


@pytest.fixture
def four(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "_all", lambda: FOUR)
    monkeypatch.setattr(gpus, "_built_with_cuda", lambda: True)
    gpus.read_anew()
    yield
    gpus.read_anew()


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        (None, "abcd"),
        ("", ""),
        ("-1", ""),
        ("2", "c"),
        ("3,1", "db"),
        (" 1 , 0 ", "ba"),
        ("0,7,1", "a"),
        ("GPU-bb,0", "ba"),
        ("GPU-", ""),
        ("1,1", "b"),
    ],
)
def test_visible_devices_are_chosen_and_counted_as_cuda_does(visible, uuids):
    chosen = selected(FOUR, visible)
    assert [gpu.uuid[4] for gpu in chosen] == list(uuids)
    assert [gpu.number for gpu in chosen] == list(range(len(uuids)))


def test_a_mig_instance_is_a_gpu_for_one_trial():
    (gpu,) = selected(FOUR, "MIG-1a2b,MIG-3c4d")
    assert (gpu.number, gpu.uuid) == (0, "MIG-1a2b")
    placement = placed([gpu], per_gpu="auto", workers=None, cores=8, graphed=False, mps=True)
    assert placement.devices == ("cuda:0",)
    assert selected(FOUR, "1,MIG-1a2b") == (replace(FOUR[1], number=0),)
    assert selected([], "MIG-1a2b") == ()


@pytest.mark.parametrize(
    ("device", "numbers"),
    [
        ("auto", [0, 1, 2, 3]),
        ("cuda", [0, 1, 2, 3]),
        ("cuda:2", [2]),
        ("cuda:9", []),
        ("cpu", []),
        ("mps", []),
    ],
)
def test_a_device_means_these_gpus(device, numbers, four):
    assert [gpu.number for gpu in gpus_for(device)] == numbers


def test_a_changed_environment_is_seen(four, monkeypatch):
    assert len(gpus_for("auto")) == 4
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert [gpu.uuid for gpu in gpus_for("auto")] == ["GPU-dddddddd"]


def test_free_memory_is_read_once_for_each_search(monkeypatch, four):
    four_gigabytes = [replace(gpu, free=4 * 10**9) for gpu in FOUR]
    assert seen()[0].free == 10**10
    monkeypatch.setattr(gpus, "_all", lambda: four_gigabytes)
    assert seen()[0].free == 10**10
    read_anew()
    assert seen()[0].free == 4 * 10**9
    monkeypatch.setattr(gpus, "_all", lambda: FOUR)
    prepared({"space": "tiny_space", "data.images": 100, "data.test_images": 20, "proxy.device": "cpu"})
    assert seen()[0].free == 10**10
    monkeypatch.setattr(gpus, "_all", lambda: four_gigabytes)
    with pytest.raises(UserError, match="no run"):
        resume("nothing")
    assert seen()[0].free == 4 * 10**9


def test_a_torch_without_cuda_has_no_gpus(four, monkeypatch):
    monkeypatch.setattr(gpus, "_built_with_cuda", lambda: False)
    assert gpus_for("auto") == ()


def test_this_torch_is_recognised():
    import torch

    assert gpus._built_with_cuda() == (torch.version.cuda is not None)


def test_gpus_are_numbered_by_slot_unless_the_user_says_otherwise():
    assert numbering({}) == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert numbering({"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}) == {}
