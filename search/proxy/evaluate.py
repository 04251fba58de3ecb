"""The work of a worker: one network, one fidelity, one seed -> one `Result`. Importing this needs no torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from search.data.source import Source
from search.proxy.failure import TrialFailed
from search.proxy.proxy import Proxy, proxy_architecture, timed
from space import decode

if TYPE_CHECKING:
    from space.timing.ratio import StepTime

__all__ = ["Request", "Result", "TrialFailed", "evaluate"]

Report = Callable[[int, float], None]
"""report(epoch, loss): called after every epoch, counted from 1, with the training loss of that epoch."""


@dataclass(frozen=True, slots=True)
class Request:
    """All that an evaluation depends on; it travels to the worker as it is (picklable, small).

    architecture: canonical string of the full network; the worker derives the proxy network.
    seed: of initial weights, order of images and augmentation, and of nothing else.
    reference: canonical string of the full network whose step time is the unit, "" to measure none.
    threads: of torch in the worker. device: what this worker computes on; "" leaves it to the proxy.
    """

    number: int
    attempt: int
    architecture: str
    proxy: Proxy
    source: Source
    seed: int
    reference: str = ""
    threads: int = 1
    device: str = ""


_STEP = ("step_ms", "reference_step_ms", "step_ratio")
"""What of a result is the step time."""


@dataclass(frozen=True, slots=True)
class Result:
    """The measurements of a training.

    accuracy: 0..1, and loss (cross-entropy without smoothing), both on the validation split after training; the
        accuracy is balanced if the data are. top5: with the class among the five likeliest; None where there
        are no more than five, and in results of versions that did not count it.
    step_ms: of one training step of the network that `search.proxy.proxy.timed` tells, in milliseconds of CPU time on
        a CPU, of device time on a GPU; reference_step_ms: of the reference; step_ratio: their ratio, measured
        pair by pair, so not quite the quotient of the two. All None if not measured.
    images: trained on, each epoch's counted. seconds: of the whole evaluation on the clock.
    images_per_second: of the training alone. curve: the training loss of every epoch.
    graph: how a GPU was given its steps: "captured", as one CUDA graph, or "eager: REASON"; None for a CPU, and in
        results of versions that had no graphs.
    hits: the validation images that are classified correctly, see `search.stats.hits`; "" if they are not recorded.
    """

    accuracy: float
    loss: float
    epochs: int
    images: int
    seconds: float
    images_per_second: float
    curve: tuple[float, ...]
    step_ms: float | None = None
    reference_step_ms: float | None = None
    step_ratio: float | None = None
    top5: float | None = None
    graph: str | None = None
    hits: str = ""

    def timed(self, step: StepTime) -> Result:
        """Return the same result with another measurement of the step time."""
        return replace(self, step_ms=step.ms, reference_step_ms=step.reference_ms, step_ratio=step.ratio)

    def timed_as(self, other: Result) -> Result:
        """Return the same result with the step time of another training of the network if it has none."""
        if self.step_ratio is not None:
            return self
        return replace(self, **{key: getattr(other, key) for key in _STEP})

    def check(self) -> None:
        """Raise ValueError unless all measurements are finite numbers and times are not negative."""
        if not all(map(_finite, (self.accuracy, self.loss, *self.curve))):
            raise ValueError(f"accuracy {self.accuracy}, loss {self.loss}")
        for name in ("seconds", "images_per_second", *_STEP):
            value = getattr(self, name)
            if not (_finite(value) and value >= 0) and not (name in _STEP and value is None):
                raise ValueError(f"{name} {value}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"curve": list(self.curve)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Return the result of a dictionary that `to_dict` made. Keys of later versions are ignored."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        return cls(**known | {"curve": tuple(known["curve"])})


def _finite(value: object) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


def evaluate(request: Request, report: Report = lambda epoch, loss: None) -> Result:
    """Time the network against the reference, then train it. Writes nothing but the cache of the data.

    Raises `TrialFailed` if the network itself is to blame, `UserError` if the request cannot be met.
    """
    from search.data import load
    from search.proxy.measure import measure
    from search.proxy.training import train

    started = time.perf_counter()
    proxy, device = request.proxy, request.device
    full = decode(request.architecture)
    data = load(request.source, proxy.resolution or full.resolution)

    shape = len(data.classes), data.channels
    network = proxy_architecture(full, proxy, *shape)
    step = None
    with _threads(request.threads):
        if request.reference:
            step = measure(*timed(full, decode(request.reference), proxy, *shape), proxy, device)
        training = train(network, data, proxy, request.seed, device=device, on_epoch=report)
    return Result(
        accuracy=training.accuracy,
        loss=training.loss,
        epochs=proxy.epochs,
        images=training.images,
        seconds=time.perf_counter() - started,
        images_per_second=training.images_per_second,
        curve=training.curve,
        step_ms=step.ms if step else None,
        reference_step_ms=step.reference_ms if step else None,
        step_ratio=step.ratio if step else None,
        top5=training.top5,
        hits=training.hits,
        graph=training.graph,
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads of torch, and as many as before at the end."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
