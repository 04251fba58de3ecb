"""A training step that is launched repeatedly: kernel by kernel, or as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Graph = Literal["auto", "never"]

CAPTURED = "captured"
"""The value of `Repeated.how` if steps are launched as a CUDA graph."""
_EAGER = 3
"""The number of steps before the capture. The first steps allocate the state of the optimiser and choose kernels."""
_FEWEST = 20
"""The least number of steps for which a graph is captured. A capture takes as long as a few steps."""


class Repeated:
    """A training step without arguments that is run many times.

    graph: "never" to launch the step kernel by kernel. times: the expected number of runs. how: "captured" if the
    step is launched as a CUDA graph, or "eager: REASON" if it is launched kernel by kernel; "" before the capture.
    """

    def __init__(self, step: Callable[[], None], device: torch.device, graph: Graph, times: int) -> None:
        self._step, self._times = step, 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.how = _reason(device, graph, times)

    def __call__(self) -> None:
        """Run the step once: as single kernels in the first `_EAGER` calls, later as the graph if there is one."""
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
        """Run the body on a side stream if a capture follows. CUDA requires this for the steps before a capture.

        Later work on the current stream waits for the side stream.
        """
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
            # In this mode the capture checks only the calls of this thread. Other threads may then allocate memory.
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
    """Return "eager: REASON" if no graph will be captured, else "". times: the number of steps of the training."""
    if device.type != "cuda":
        return f"eager: {device.type}"
    if graph == "never":
        return "eager: proxy.graph=never"
    return f"eager: {times} steps" if times < _FEWEST else ""


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
