"""Warm processes on this machine, one trial each, which die with the driver.

Where trials compute on GPUs, each process has one of them, and several processes can share one.

Workers are forked by a server process that has imported torch already, so a new one starts at once. Each has
two pipes: one to talk, and a lifeline that only the driver holds the other end of: when the driver is gone,
however it went, the lifeline breaks and the worker ends itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import forkserver, get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr

import space
from search.executors import mps
from search.executors.base import Driven, Evaluate, Executor, cores
from search.executors.gpus import gpus_for, numbering, seen
from search.executors.placement import Placement, placed
from search.proxy.evaluate import Request, TrialFailed
from search.proxy.proxy import Proxy

PRELOADED = ["search.proxy.training", "search.proxy.measure"]


class Local(Executor):
    """Runs trials in a pool of processes."""

    workers: int | None = Field(default=None, ge=1, le=1024)
    """Number of processes; None: `per_gpu` for each GPU, and where there is none one for each core that this process
    may use."""
    per_gpu: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = "auto"
    """Trials on a GPU at a time; auto: as many as pay, see `search.executors.placement`."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that an attempt may take. One that takes longer fails, and its worker is replaced."""

    _device: str = PrivateAttr(default="cpu")
    """The device of the proxy: see `on`."""
    _graphed: bool = PrivateAttr(default=False)
    """Whether the proxy's steps are launched as CUDA graphs."""

    @property
    def parallel(self) -> int:
        placement = self._placement
        return len(placement.devices) if placement else self.workers or max(1, cores() // self.threads)

    @property
    def placement(self) -> str:
        return self._placement.text if self._placement else ""

    def on(self, proxy: Proxy) -> Self:
        executor = self.model_copy()
        executor._device = proxy.device
        executor._graphed = proxy.graph == "auto" and proxy.precision != "float16"
        return executor

    @property
    def _placement(self) -> Placement | None:
        """The GPUs of the workers; None where they compute on the CPU."""
        gpus = gpus_for(self._device)
        if not gpus:
            return None
        return placed(
            gpus,
            per_gpu=self.per_gpu,
            workers=self.workers,
            cores=cores() // self.threads,
            graphed=self._graphed,
            mps=mps.available(),
        )

    def run(self, engine: Driven, evaluate: Evaluate) -> None:
        placement = self._placement
        devices = placement.devices if placement else ("",) * self.parallel
        variables = numbering(os.environ) if placement else {}
        with ExitStack() as stack:
            if placement and placement.mps:
                variables |= stack.enter_context(mps.service(seen()))
            self._run(engine, evaluate, devices, variables)

    def _run(
        self, engine: Driven, evaluate: Evaluate, devices: Sequence[str], variables: dict[str, str]
    ) -> None:
        """Run trials in a process for each of `devices`, whose environment has `variables` in addition."""
        context = get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        _start_server()
        workers = [_Worker(context, evaluate, device, variables) for device in devices]
        try:
            while True:
                for worker in workers:
                    if not worker.busy and (request := engine.next_trial()):
                        worker.train(request)
                if not any(worker.busy for worker in workers):
                    return
                # One worker alone waits for the next proposal, so that it is made with all that is known.
                if len(workers) > 1 and all(worker.busy for worker in workers):
                    engine.prepare()
                _serve(engine, workers, self.timeout)
        finally:
            for worker in workers:
                worker.end()


def _serve(engine: Driven, workers: list[_Worker], timeout: float | None) -> None:
    """Wait for the next messages of the workers and pass them on to the engine."""
    busy = {worker.pipe: worker for worker in workers if worker.busy}
    for pipe in wait(list(busy), timeout=1.0):
        busy[pipe].pass_on(engine)  # type: ignore[index]
    for worker in busy.values():
        if timeout and worker.job and time.monotonic() - worker.job.since > timeout:
            worker.give_up(engine, f"took longer than {timeout:g} s", retry=True)


@dataclass(frozen=True, slots=True)
class _Job:
    number: int
    since: float


class _Worker:
    """A process that trains, as the driver sees it; started at its first job, and again if it died."""

    def __init__(
        self, context: ForkServerContext, evaluate: Evaluate, device: str, variables: dict[str, str]
    ) -> None:
        self._context = context
        self._arguments = (evaluate, os.path.dirname(space.__file__), variables)
        self._device = device
        self._process: ForkServerProcess | None = None
        self.job: _Job | None = None

    @property
    def busy(self) -> bool:
        return self.job is not None

    def train(self, request: Request) -> None:
        if self._process is None:
            self._start()
        self.job = _Job(request.number, time.monotonic())
        if self._device:
            request = replace(request, device=self._device)  # jobs of other kinds have such a field too
        # If it died idle, its end of the pipe is closed, which is the next thing that `wait` sees.
        with suppress(OSError):
            self.pipe.send(request)

    def pass_on(self, engine: Driven) -> None:
        """Tells the engine the worker's next message, or that it died."""
        assert self.job is not None
        number = self.job.number
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            return self.give_up(engine, self._epitaph(), retry=True)
        if kind == "broken":
            return self.give_up(engine, content, retry=True)
        if kind == "report":
            if engine.on_report(number, *content):
                self.give_up(engine, "stopped", retry=False)
            return None
        self.job = None
        if kind == "result":
            engine.on_result(number, content)
        else:
            engine.on_error(number, content, retry=kind == "error")
        return None

    def give_up(self, engine: Driven, reason: str, *, retry: bool) -> None:
        """End the process and report to the engine that its trial failed."""
        assert self.job is not None
        number, self.job = self.job.number, None
        self.end()
        engine.on_error(number, reason, retry=retry)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self.pipe.close()
            self._lifeline.close()
            self._process = None

    def _start(self) -> None:
        self.pipe, theirs = self._context.Pipe()
        held, self._lifeline = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(theirs, held, *self._arguments), daemon=True)
        with _without_main(self._arguments[0]):
            process.start()
        # Only now is there something to end: the first start takes seconds, in which Ctrl-C can strike.
        self._process = process
        theirs.close()
        held.close()

    def _epitaph(self) -> str:
        assert self._process is not None
        self._process.join(timeout=5)
        code = self._process.exitcode
        if code is not None and code < 0:
            # Real-time signals have no name.
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return f"the worker was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        return f"the worker ended with code {code}"


def _start_server() -> None:
    """Start the fork server so that it imports what the driver imports and ignores Ctrl-C, as do its forks.

    By itself it would look into the current folder first, where a source tree of ours, or any folder called
    `search`, would be taken for the installed package.
    """
    resource_tracker.ensure_running()  # It unblocks the signal, and is a condition of the server.
    paths = {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), "PYTHONSAFEPATH": "1"}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    kept = {name: os.environ[name] for name in paths if name in os.environ}
    os.environ.update(paths)
    try:
        forkserver.ensure_running()
    finally:
        for name in paths:
            del os.environ[name]
        os.environ.update(kept)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main(evaluate: Evaluate) -> Iterator[None]:
    """Keep new processes from running the user's script again, as multiprocessing makes them do.

    A script that calls `launch` at its top would search in every worker. Only a function that the script itself
    defines makes importing it necessary.
    """
    main = sys.modules["__main__"]
    if evaluate.__module__ != "__main__":
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(
    pipe: Connection, lifeline: Connection, evaluate: Evaluate, package: str, variables: dict[str, str]
) -> None:
    """Train what is sent until the driver is gone. variables: of the environment, read by CUDA."""
    os.environ.update(variables)
    # Ctrl-C reaches every process of the terminal; what it means is the driver's to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_driver, args=(lifeline,), daemon=True).start()
    found = os.path.dirname(space.__file__)
    with suppress(EOFError, OSError):  # The driver is gone, and whoever would read a complaint with it.
        while True:
            request = pipe.recv()
            if found == package:
                pipe.send(_answer(pipe, request, evaluate))
            else:
                pipe.send(("error", f"the worker imported {found}, the driver {package}"))


def _answer(pipe: Connection, request: Request, evaluate: Evaluate) -> tuple[str, Any]:
    try:
        return "result", evaluate(request, lambda epoch, loss: pipe.send(("report", (epoch, loss))))
    except TrialFailed as error:
        return "failed", str(error)
    except Exception as error:
        # After an error of CUDA every later call of the process fails. Memory that is too small is none.
        kind = "broken" if "CUDA error" in str(error) else "error"
        return kind, f"{type(error).__name__}: {error}"


def _die_with_driver(lifeline: Connection) -> None:
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
