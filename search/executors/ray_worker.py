"""The part of `executor=ray` that runs in the worker processes. Importing this module imports Ray."""

from __future__ import annotations

import hashlib
import math
import os
import queue
import threading
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import ray
from ray.tune import Trainable

import search
import space
from search.executors.base import Evaluate
from search.proxy.evaluate import Request, TrialFailed


@cache
def code() -> str:
    """Return a digest (12 hexadecimal digits) of the source files of `space` and `search` in this process."""
    found = hashlib.sha256()
    for package in (space, search):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:12]


@lru_cache(maxsize=1)
def _fetched(reference: Any) -> Evaluate:
    """Return the function that a reference of Ray stands for. All trials of the process share it."""
    evaluate: Evaluate = ray.get(reference)
    return evaluate


def _epochs(request: Request) -> float:
    """Return the number of epochs of a trial; infinite for another kind of job, which ends with its result."""
    proxy = getattr(request, "proxy", None)
    return proxy.epochs if proxy else math.inf


class _Stopped(BaseException):
    """The exception that ends a trial when the engine stops it.

    It is not an `Exception`, because `evaluate` may catch every `Exception`.
    """


class Worker(Trainable):
    """The worker process, as a `Trainable` of Ray Tune. It trains one network after another.

    Each call of `step` trains one epoch. `evaluate` runs in a separate thread, which waits after each epoch until the
    next call of `step`. So a trial that the engine stops does not begin another epoch.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._messages: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._goes_on: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        request = config["request"]
        self._asked = {
            **config,
            "request": ray.get(request) if isinstance(request, ray.ObjectRef) else request,
        }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, kwargs=self._asked, daemon=True)
            self._thread.start()
        else:
            self._goes_on.put(True)
        kind, content = self._messages.get()
        if kind != "report":
            return {"answer": (kind, content), "done": True}
        epoch, loss = content
        if epoch < _epochs(self._asked["request"]):
            return {"epoch": epoch, "loss": loss}
        # The engine need not stop a trial after its last epoch. Ending now saves the driver a step of Tune (10 ms).
        self._goes_on.put(True)
        return {"epoch": epoch, "loss": loss, "answer": self._messages.get(), "done": True}

    def cleanup(self) -> None:
        if self._thread is not None:
            self._goes_on.put(False)
            self._thread.join()

    def place(self) -> tuple[str, int]:
        """Return the identifier of the node of this worker, and its process ID."""
        return ray.get_runtime_context().get_node_id(), os.getpid()

    def _work(self, request: Request, evaluate: Any, sources: str) -> None:
        def report(epoch: int, loss: float) -> None:
            self._messages.put(("report", (epoch, loss)))
            if not self._goes_on.get():
                raise _Stopped

        try:
            if sources != code():
                where = ray.util.get_node_ip_address()
                raise ImportError(f"{space.__file__} on node {where} is not the code of the driver")
            self._messages.put(("result", _fetched(evaluate)(request, report)))
        except TrialFailed as error:
            self._messages.put(("failed", str(error)))
        except _Stopped:
            pass
        except BaseException as error:
            self._messages.put(("error", f"{type(error).__name__}: {error}"))
