import pytest

from search.executors import gpus
from search.executors.gpus import Gpu, gpus_for, numbering, selected

FOUR = [Gpu(number, f"GPU-{letter * 8}", "card", 10**10) for number, letter in enumerate("abcd")]


@pytest.fixture
def four(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "_all", lambda: FOUR)
    monkeypatch.setattr(gpus, "_built_with_cuda", lambda: True)
    gpus._seen.cache_clear()
    yield
    gpus._seen.cache_clear()


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


def test_a_torch_without_cuda_has_no_gpus(four, monkeypatch):
    monkeypatch.setattr(gpus, "_built_with_cuda", lambda: False)
    assert gpus_for("auto") == ()


def test_this_torch_is_recognised():
    import torch

    assert gpus._built_with_cuda() == (torch.version.cuda is not None)


def test_gpus_are_numbered_by_slot_unless_the_user_says_otherwise():
    assert numbering({}) == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert numbering({"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}) == {}
