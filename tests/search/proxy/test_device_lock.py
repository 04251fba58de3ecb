import multiprocessing
import tempfile
import time
from types import SimpleNamespace

import pytest
import torch

from search.proxy.device_lock import exclusive, shared

GPU = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def _invented_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid=f"u{device.index}")
    )


def hold(kind, device, path, seconds):
    """Write when the device was had, and when it was given back."""
    with {"shared": shared, "exclusive": exclusive}[kind](torch.device(device)):
        begun = time.monotonic()
        path.with_suffix(".begun").touch()
        time.sleep(seconds)
        path.write_text(f"{begun} {time.monotonic()}")


def started(kind, path, seconds=0.4, device="cuda:0", wait=True):
    process = multiprocessing.get_context("fork").Process(target=hold, args=(kind, device, path, seconds))
    process.start()
    while wait and not path.with_suffix(".begun").exists():
        time.sleep(0.005)
    return process


def spans(*paths):
    return [tuple(map(float, path.read_text().split())) for path in paths]


def test_trainings_share_a_gpu(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    processes = [started("shared", one, 1.0), started("shared", two, 0.1)]
    for process in processes:
        process.join()
    (begun, ended), (other, _) = spans(one, two)
    assert begun < other < ended


@pytest.mark.parametrize(
    ("first", "second"), [("shared", "exclusive"), ("exclusive", "shared"), ("exclusive",) * 2]
)
def test_a_timing_has_it_alone(tmp_path, first, second):
    one, two = tmp_path / "one", tmp_path / "two"
    processes = [started(first, one), started(second, two, 0.0)]
    for process in processes:
        process.join()
    (_, ended), (other, _) = spans(one, two)
    assert other >= ended


def test_a_waiting_timing_is_not_overtaken(tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    processes = [started("shared", one, 1.0), started("exclusive", two, 0.1, wait=False)]
    time.sleep(0.4)
    processes.append(started("shared", three, 0.0))
    for process in processes:
        process.join()
    _, (_, timed), (later, _) = spans(one, two, three)
    assert later >= timed


def test_gpus_are_locked_one_by_one(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    processes = [started("exclusive", one, 1.0), started("exclusive", two, 0.0, device="cuda:1")]
    for process in processes:
        process.join()
    (_, ended), (other, _) = spans(one, two)
    assert other < ended


def test_a_killed_holder_frees_it(tmp_path):
    process = started("exclusive", tmp_path / "one", 60)
    process.kill()
    process.join()
    with shared(GPU):
        pass


def test_a_cpu_is_not_locked(tmp_path):
    with exclusive(torch.device("cpu")), exclusive(torch.device("cpu")):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_locks_nothing(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with exclusive(GPU), exclusive(GPU):
        pass


def test_everybody_may_open_the_files(tmp_path):
    with shared(GPU):
        files = sorted(tmp_path.glob("*.lock"))
    assert [file.name for file in files] == ["compound-nas-gpu-u0-gate.lock", "compound-nas-gpu-u0.lock"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o666}
