"""The executor that runs trials with Ray Tune on CPUs and fractions of GPUs, on one machine or several.

Tune only decides where a trial runs. The engine chooses the trials and records their results, and the ledger is the
only history. If no cluster is named, a private cluster is started, which only this process and its children can
reach: it listens on the loopback interface only, and requires a token that is not written to any file.

Ray is imported when a run begins. The code that runs inside Ray is in `search.executors.ray_driver`,
`search.executors.ray_trials` and `search.executors.ray_worker`.
"""

from __future__ import annotations

import logging
import math
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

from pydantic import Field, field_validator

from search.executors.base import Driven, Evaluate, Executor, cores
from search.executors.gpus import seen
from space.refusal import UserError

_OBJECTS = 10**8
"""The size of Ray's object store, in bytes. It holds requests and results, which are small, and no images."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "60",
}
"""The environment variables that turn off Ray's telemetry and Tune's logs and warnings, and leave Ctrl-C to this
program."""
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}
"""The environment variables for a private cluster. The first makes Ray use a single machine and only local ports. The
second leaves workers the niceness of this process: with Ray's 15, one trial of 2.5 s took 380 s on a busy machine."""


class RayTune(Executor):
    """The executor that runs trials on a Ray cluster."""

    address: str | None = None
    """The address of an existing cluster: HOST:PORT, or "auto" for the cluster that the environment variable
    RAY_ADDRESS names, or without that variable, for the cluster that this machine belongs to. None: a private cluster
    on this machine, which ends with the run."""
    workers: int | None = Field(default=None, ge=1, le=10_000)
    """The most trials that run at the same time; None: as many as the cluster has room for."""
    resources: dict[str, float] | None = None
    """The resources that a trial occupies, such as {"cpu": 1, "gpu": 0.5}. Without "cpu", the trial occupies one CPU
    for each of its threads."""
    timeout: float | None = Field(default=None, gt=0)
    """The most seconds that an attempt may take. A longer attempt fails, and its worker is replaced."""

    @field_validator("address")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value and value.startswith("ray://"):
            # With a Ray client Tune would run inside the cluster, and so would the ledger.
            raise ValueError("a Ray client (ray://) cannot keep the ledger here; give auto or HOST:PORT")
        if value is None or value == "auto" or re.fullmatch(r"[^/\s]+:[0-9]+", value):
            return value
        raise ValueError("an address is auto or HOST:PORT, such as 10.0.0.1:6379")

    @field_validator("resources")
    @classmethod
    def _positive(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        for name, amount in (value or {}).items():
            if amount <= 0:
                raise ValueError(
                    f"{name} is {amount:g}; it must be above 0. Leave out a resource that a trial does not need"
                )
        return value

    @property
    def parallel(self) -> int | None:
        if self.address:
            return self.workers
        return max(1, self.fitting({"CPU": self._cpus, "GPU": len(seen())}))

    @property
    def here(self) -> bool:
        return not self.address

    @property
    def occupied(self) -> dict[str, float]:
        """The amount of each resource that a trial occupies, by the names that Tune uses: "cpu", "gpu" and others."""
        return {"cpu": float(self.threads)} | (self.resources or {})

    @property
    def _cpus(self) -> int:
        """The number of CPUs of a private cluster: the cores of this machine, and no fewer than `workers` occupy."""
        return max(cores(), math.ceil((self.workers or 1) * self.occupied["cpu"]))

    def check(self) -> None:
        if self.address or set(self.resources or ()) - {"cpu"}:
            with tempfile.TemporaryDirectory() as folder, self._cluster(Path(folder)):
                pass

    def run(self, engine: Driven, evaluate: Evaluate) -> None:
        folder = Path(tempfile.mkdtemp(prefix="compound-nas-"))
        try:
            with self._cluster(folder):
                from search.executors.ray_driver import tune

                tune(self, engine, evaluate, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def fitting(self, available: Mapping[str, float]) -> int:
        """Return the number of trials that a cluster runs at the same time.

        available: the amount of each resource of the cluster, by the names that Ray uses.
        """
        fits = min(int(_amount(available, name) / asked + 1e-9) for name, asked in self.occupied.items())
        return min(fits, self.workers or fits)

    @contextmanager
    def _cluster(self, folder: Path) -> Iterator[None]:
        """Connect to the cluster while the context lasts.

        folder: the folder for the files of a private cluster. Raises `UserError` if Ray is not installed, if no
        connection is possible, and if the cluster has no room for a trial.
        """
        if self.address:
            self._knock(os.environ.get("RAY_ADDRESS", "auto") if self.address == "auto" else self.address)
        options = {"address": self.address} if self.address else self._private(folder)
        settings = _SETTINGS if self.address else _SETTINGS | _ALONE | _token() | _imports()
        with ExitStack() as stack:
            # This comes before the import of Ray, which reads some of these variables.
            stack.enter_context(_environment(settings))
            stack.enter_context(_silence())
            stack.enter_context(_signals_kept())
            ray = _ray()
            if ray.is_initialized():
                raise UserError("This process is in a Ray cluster already; call ray.shutdown() first.")
            if not self.address:
                # This has the effect of `_ALONE` if Ray was imported before the variable was set.
                stack.enter_context(_replaced(ray._private.ray_constants, "ENABLE_RAY_CLUSTER", False))
            # Ray prints a page about every worker that dies, and has no option against it.
            stack.enter_context(_replaced(ray._private.worker, "print_to_stdstream", lambda *_, **__: None))
            stack.callback(ray.shutdown)
            try:
                # Workers also import from the folder that is current here. The empty `folder` can hide no package.
                with _signals_kept(), chdir(folder):
                    ray.init(**options, log_to_driver=False, logging_level=logging.CRITICAL)
            except (RuntimeError, ValueError, OSError) as error:
                raise UserError(f"{self._called}: {_first_line(error)}") from None
            self._require_room(ray.cluster_resources())
            yield

    def _knock(self, address: str) -> None:
        """Raise `UserError` if nothing listens at `address`, where Ray would wait for minutes and end the process."""
        host, colon, port = address.rpartition(":")
        if colon and port.isdecimal():
            try:
                socket.create_connection((host, int(port)), timeout=5).close()
            except OSError as error:
                raise UserError(f"{self._called}: nothing answers at {address} ({error}).") from None

    def _private(self, folder: Path) -> dict[str, object]:
        """Return the options of `ray.init` for a private cluster. folder: the folder for its files."""
        return {
            "address": "local",
            "num_cpus": self._cpus,
            "object_store_memory": _OBJECTS,
            "include_dashboard": False,
            # A folder for this cluster alone: it holds no address of another cluster, and this one leaves no address.
            "_temp_dir": str(folder),
        }

    def _require_room(self, available: Mapping[str, float]) -> None:
        if not self.fitting(available):
            asked = ", ".join(f"{amount:g} {name}" for name, amount in self.occupied.items())
            has = ", ".join(f"{_amount(available, name):g} {name}" for name in self.occupied)
            raise UserError(
                f"{self._called} has {has}; a trial occupies {asked} (see executor.threads, executor.resources)."
            )

    @property
    def _called(self) -> str:
        return f"The Ray cluster {self.address}" if self.address else "The Ray cluster of this machine"


def _ray() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
            import ray.tune
    except ImportError as error:
        raise UserError(f"executor=ray needs Ray Tune ({error}): pip install 'ray[tune]'.") from None
    return ray


def _amount(available: Mapping[str, float], name: str) -> float:
    """Return the amount of the resource that Tune calls `name`. available: amounts by the names that Ray uses."""
    return available.get(name.upper() if name in ("cpu", "gpu") else name, 0.0)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@cache
def _token() -> dict[str, str]:
    """Return the variable with the token of private clusters: one per process, since Ray reads it only once."""
    return {"RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _imports() -> dict[str, str]:
    """Return the environment variables that make workers on this machine import the same modules as the driver."""
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}


@contextmanager
def _replaced(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Replace an attribute of one of Ray's modules while the context lasts, where Ray has no option for it."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    names = (*values, "RAY_AUTH_MODE")  # Ray sets this variable if it is missing
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Restore the handlers of SIGINT, SIGTERM and SIGUSR1 at the end of the context, if Ray has changed them."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = {kind: signal.getsignal(kind) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            if signal.getsignal(kind) is not handler:
                signal.signal(kind, handler)


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress Ray's messages while the context lasts. Failures of trials are reported with their reasons."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
