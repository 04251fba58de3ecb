"""The executor that trains in a pool of processes on this machine.

Each worker process trains one trial at a time. If trials use GPUs, each worker has one GPU, and several workers can
share a GPU.

Workers are forked by a server process that has imported torch already, so a new worker starts at once. Each worker
has two pipes: one for messages, and a lifeline, whose other end only the driver holds. When the driver ends, for
whatever reason, the lifeline breaks and the worker exits.
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

PRELOADED = ["search.proxy.training", "search.proxy.measure", "torch._dynamo"]
"""The modules that the fork server imports, so that workers share them. Otherwise each worker would import the last
one, with all of sympy, when torch makes its first optimiser, which takes 1.6 s and 150 MB."""


class Local(Executor):
    """The executor that runs trials in a pool of processes on this machine."""

    workers: int | None = Field(default=None, ge=1, le=1024)
    """The number of processes. None: `per_gpu` for each GPU; if trials use no GPU, the number of CPU cores that this
    process may use, divided by `threads`."""
    per_gpu: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = "auto"
    """The number of trials that share a GPU; auto: chosen by `search.executors.placement`. Not used if `workers` is
    set."""
    timeout: float | None = Field(default=None, gt=0)
    """The most seconds that an attempt may take. A longer attempt fails, and its worker is replaced."""

    _device: str = PrivateAttr(default="cpu")
    """The device setting of the proxy, which `on` stores."""
    _graphed: bool = PrivateAttr(default=False)
    """True if the training steps of the proxy are launched as CUDA graphs."""

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
        """The CUDA GPUs of the workers; None if the workers use none."""
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
        """Run trials in one process for each of `devices`. variables: additions to their environment."""
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
                # A single worker waits for the next proposal, so that the proposal can use all results.
                if len(workers) > 1 and all(worker.busy for worker in workers):
                    engine.prepare()
                _serve(engine, workers, self.timeout)
        finally:
            for worker in workers:
                worker.end()


def _serve(engine: Driven, workers: list[_Worker], timeout: float | None) -> None:
    """Wait up to 1 s for messages of the workers, and pass them on to the engine.

    timeout: the seconds after which an attempt is ended with its worker. None: there is no limit.
    """
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
    """A worker process, as the driver sees it. It is started for its first job, and restarted after it has ended.

    job: the trial that it is training, and when it began; None while the worker is idle.
    """

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
            request = replace(request, device=self._device)  # other kinds of jobs have this field too
        # If the process died while idle, its end of the pipe is closed. The next `wait` reports that.
        with suppress(OSError):
            self.pipe.send(request)

    def pass_on(self, engine: Driven) -> None:
        """Pass the next message of the worker on to the engine; report a failure if the worker died."""
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
        """End the process and report to the engine that its trial failed. retry: see `Driven.on_error`."""
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
        # `end` may use the process only from here on: the first start takes seconds, and Ctrl-C can interrupt it.
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
    """Start the fork server with the import path of the driver. The server and its forks ignore Ctrl-C.

    By default the server looks for modules in the current folder first. A source tree of this project there, or any
    folder called `search`, would be imported in place of the installed package.
    """
    resource_tracker.ensure_running()  # The server needs the tracker, whose later start would unblock SIGINT.
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
    """Keep new processes from importing the user's script, which multiprocessing makes them do.

    A script that calls `launch` at its top level would start a search in every worker. The import is needed only if
    the script itself defines `evaluate`.
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
    """Answer the requests that arrive in `pipe`, until the driver ends.

    package: the folder from which the driver imported `space`; requests fail if the worker found another. variables:
    additions to the environment, which CUDA reads.
    """
    os.environ.update(variables)
    # Ctrl-C reaches every process of the terminal, but only the driver reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_driver, args=(lifeline,), daemon=True).start()
    found = os.path.dirname(space.__file__)
    with suppress(EOFError, OSError):  # The driver has ended, so nothing could read a message.
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
        # After a CUDA error all later CUDA calls of the process fail. Running out of memory is not such an error.
        kind = "broken" if "CUDA error" in str(error) else "error"
        return kind, f"{type(error).__name__}: {error}"


def _die_with_driver(lifeline: Connection) -> None:
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
