"""NVIDIA's Multi-Process Service, which lets kernels of several processes run on a GPU at the same time.

Without the service, a GPU runs the kernels of one process at a time, and small networks leave most of the GPU idle.
The service is a daemon, which its clients find through a folder. Each run starts a daemon with a new folder and stops
it at the end. A driver that is killed leaves its daemon behind. The next run stops this daemon, which it recognises
because no process holds the lock in the folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from search.executors.gpus import VISIBLE, Gpu

PIPES, LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
"""The environment variables that tell the daemon and its clients the folders of its pipes and its logs."""
_CONTROL = "nvidia-cuda-mps-control"
_PREFIX = "compound-nas-mps-"
_WAIT = 15.0
"""The most seconds that a call of the control program, or the start of the server, may take."""


def available() -> bool:
    """Return True if the control program is installed, or if the environment names a service of the user."""
    return PIPES in os.environ or shutil.which(_CONTROL) is not None


@contextmanager
def service(gpus: Sequence[Gpu]) -> Iterator[dict[str, str]]:
    """Run the service on `gpus` while the context lasts. Yield the environment variables that its clients need.

    Yield {} if the service does not start, or if the environment already names a service of the user.
    """
    if PIPES in os.environ:
        yield {}
        return
    _stop_abandoned()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getuid()}-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        lock = stack.enter_context((folder / "lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        variables = {PIPES: str(folder), LOGS: str(folder)}
        if VISIBLE in os.environ:
            # A client numbers the GPUs of the daemon, not the GPUs of the machine. UUIDs are the same in both.
            variables[VISIBLE] = ",".join(gpu.uuid for gpu in gpus)
        stack.callback(_command, variables, "quit -t 1")
        yield variables if _started(variables) else {}


def _started(variables: Mapping[str, str]) -> bool:
    """Start the daemon and its server. Return True if the server runs."""
    if _call(variables, "-d") is None:
        return False
    _command(variables, f"start_server -uid {os.getuid()}")
    end = time.monotonic() + _WAIT
    while time.monotonic() < end:
        servers = _command(variables, "get_server_list")
        if servers is None:
            return False
        if servers.strip():
            return True
        time.sleep(0.1)
    return False


def _stop_abandoned() -> None:
    """Stop the daemons that killed drivers of this user left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}{os.getuid()}-*"):
        with suppress(OSError), (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _command({PIPES: str(folder), LOGS: str(folder)}, "quit -t 1")
            shutil.rmtree(folder, ignore_errors=True)


def _command(variables: Mapping[str, str], text: str) -> str | None:
    """Send a command to the daemon that `variables` name. Return its answer, or None if the command fails."""
    return _call(variables, text=f"{text}\n")


def _call(variables: Mapping[str, str], *words: str, text: str = "") -> str | None:
    # A separate session, since Ctrl-C in the terminal must not end the daemon before its clients.
    try:
        done = subprocess.run(
            [_CONTROL, *words],
            input=text,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=_WAIT,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout
