"""Steps that are launched again and again: one by one, or as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Graph = Literal["auto", "never"]

CAPTURED = "captured"
"""Steps were launched as a CUDA graph."""
_EAGER = 3
"""Steps before the capture: the first ones allocate the optimiser's state and choose kernels."""
_FEWEST = 20
"""Steps of a training for which a capture, which costs about as much as a few of them, is worth it."""


class Repeated:
    """A step without arguments that is run many times.

    how: "captured", or "eager" with the reason where a GPU could have had a graph.
    """

    def __init__(self, step: Callable[[], None], device: torch.device, graph: Graph, times: int) -> None:
        self._step, self._times = step, 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.how = _reason(device, graph, times)

    def __call__(self) -> None:
        """Run the step once. The first ones are launched one by one, the others as a graph where that works."""
        if self._graph is None and self._times == _EAGER and not self.how:
            self._capture()
        self._times += 1
        if self._graph is not None:
            return self._graph.replay()
        with self._aside():
            self._step()
        return None

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Another stream for the steps before a capture, as it asks for; what comes later waits for it."""
        if self._stream is None or self.how:
            yield
            return
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    def _capture(self) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            # Only this thread's calls are watched: others may allocate meanwhile.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._step()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            torch.cuda.synchronize()
            self.how = f"eager: {_first_line(error)}"
        else:
            self._graph, self.how = graph, CAPTURED


def _reason(device: torch.device, graph: Graph, times: int) -> str:
    """Return why there will be no graph, "" if there will be one."""
    if device.type != "cuda":
        return f"eager: {device.type}"
    if graph == "never":
        return "eager: proxy.graph=never"
    return f"eager: {times} steps" if times < _FEWEST else ""


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
