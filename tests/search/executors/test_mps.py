import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from search.executors import mps
from search.executors.gpus import Gpu

GPUS = (Gpu(0, "GPU-a", "card", 10**10), Gpu(1, "GPU-b", "card", 10**10))
CONTROL = """\
#!/bin/sh
# The control program as far as we use it: a daemon that sleeps, and notes what it was asked.
echo "$CUDA_VISIBLE_DEVICES|$1" >> "$LOG"
if [ "$1" = -d ]; then
    [ -n "$REFUSES" ] && exit 1
    sleep 300 > /dev/null 2>&1 &
    echo $! > "$CUDA_MPS_PIPE_DIRECTORY/pid"
    exit 0
fi
read -r command
echo "$command" >> "$LOG"
case "$command" in
    get_server_list) [ -n "$DUMB" ] || cat "$CUDA_MPS_PIPE_DIRECTORY/pid" ;;
    quit*) kill "$(cat "$CUDA_MPS_PIPE_DIRECTORY/pid")" ;;
esac
"""


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The commands that a made-up control program was given."""
    program, log = tmp_path / "bin" / "nvidia-cuda-mps-control", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(CONTROL)
    program.chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mps, "_WAIT", 3.0)
    return log


def daemon(variables):
    return int((Path(variables[mps.PIPES]) / "pid").read_text())


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid):
    """Whether the process ends within 5 s."""
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_the_service_runs_while_the_context_lasts(log):
    assert mps.available()
    with mps.service(GPUS) as variables:
        assert set(variables) == {"CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"}
        pid = daemon(variables)
        assert alive(pid)
    assert gone(pid)
    assert not Path(variables[mps.PIPES]).exists()
    assert log.read_text().splitlines()[-1] == "quit -t 1"


def test_it_is_stopped_after_ctrl_c_too(log):
    with pytest.raises(KeyboardInterrupt), mps.service(GPUS) as variables:
        pid = daemon(variables)
        raise KeyboardInterrupt
    assert gone(pid)


@pytest.mark.parametrize("fault", ["REFUSES", "DUMB"])
def test_where_it_does_not_start_trials_go_without(log, monkeypatch, fault):
    monkeypatch.setenv(fault, "1")
    with mps.service(GPUS) as variables:
        assert variables == {}


def test_a_service_of_the_users_own_is_used(log, monkeypatch):
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", "/tmp/theirs")
    assert mps.available()
    with mps.service(GPUS) as variables:
        assert variables == {}
    assert log.read_text() == ""


def test_a_machine_without_the_control_program_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    assert not mps.available()


def test_visible_devices_are_named_by_uuid_to_daemon_and_clients(log, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    with mps.service(GPUS) as variables:
        assert variables["CUDA_VISIBLE_DEVICES"] == "GPU-a,GPU-b"
    assert log.read_text().splitlines()[0] == "GPU-a,GPU-b|-d"


def test_the_daemon_of_a_killed_driver_is_stopped_by_the_next(log, tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent("""
        import time
        from search.executors import mps
        from search.executors.gpus import Gpu

        with mps.service([Gpu(0, "GPU-a", "card", 1)]) as variables:
            print(variables[mps.PIPES], flush=True)
            time.sleep(60)
        """)
    )
    paths = os.pathsep.join(filter(None, sys.path))
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    folder = Path(driver.stdout.readline().strip())
    pid = int((folder / "pid").read_text())
    with mps.service(GPUS):
        assert alive(pid)  # of a driver that lives
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    assert alive(pid)
    with mps.service(GPUS):
        assert gone(pid)
        assert not folder.exists()
