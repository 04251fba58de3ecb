"""The part of `executor=ray` that runs in the workers: Ray Tune's trainable. Importing this imports Ray."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from functools import cache
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
    """12 hexadecimal digits for the code of `space` and `search` as this process imported them."""
    found = hashlib.sha256()
    for package in (space, search):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:12]


class _Stopped(BaseException):
    """The engine stopped the trial. Not an `Exception`, for an evaluation may catch those."""


class Worker(Trainable):
    """Tune's trainable: a process that trains one network after the other, and an epoch for each step asked of it.

    The evaluation has a thread of its own. After each epoch it waits until it is asked for the next, so that a
    trial that the engine stops does not begin one.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._messages: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._goes_on: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._asked = config

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
        if epoch < self._asked["request"].proxy.epochs:
            return {"epoch": epoch, "loss": loss}
        # Nothing to train is left that a stop could spare: a step of Tune's less, some 10 ms of the driver's.
        self._goes_on.put(True)
        return {"epoch": epoch, "loss": loss, "answer": self._messages.get(), "done": True}

    def cleanup(self) -> None:
        if self._thread is not None:
            self._goes_on.put(False)
            self._thread.join()

    def place(self) -> tuple[str, int]:
        """Its node and its process."""
        return ray.get_runtime_context().get_node_id(), os.getpid()

    def _work(self, request: Request, evaluate: Evaluate, sources: str) -> None:
        def report(epoch: int, loss: float) -> None:
            self._messages.put(("report", (epoch, loss)))
            if not self._goes_on.get():
                raise _Stopped

        try:
            if sources != code():
                where = ray.util.get_node_ip_address()
                raise ImportError(f"{space.__file__} on node {where} is not the code of the driver")
            self._messages.put(("result", evaluate(request, report)))
        except TrialFailed as error:
            self._messages.put(("failed", str(error)))
        except _Stopped:
            pass
        except BaseException as error:
            self._messages.put(("error", f"{type(error).__name__}: {error}"))
