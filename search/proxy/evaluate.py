"""The evaluation of a network in a worker, with its `Request` and its `Result`.

Importing this module does not import torch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from search.data.source import Source
from search.proxy.failure import TrialFailed
from search.proxy.proxy import Proxy, proxy_architecture, timed
from space import UserError, decode

if TYPE_CHECKING:
    from space.timing.ratio import StepTime
    from space.weights.weights import Weights

__all__ = ["EvaluateChildren", "Request", "Result", "TrialFailed", "evaluate"]

Report = Callable[[int, float], None]
"""The function that is called after each epoch: report(epoch, loss), with the mean training loss of the epoch.

Epochs are counted from 1.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """The complete input of an evaluation. It is small, and is pickled to send it to the worker.

    number: the number of the trial. attempt: the number of this attempt at the trial.
    architecture: the canonical string of the full network, from which the worker derives the proxy network.
    proxy: the settings of the training. source: the data.
    seed: the seed of initial weights, dropout, order of images and augmentation.
    reference: the canonical string of the full network whose step time is the unit; "": no step time is measured.
    threads: the number of threads of torch in the worker. device: the device of the worker; "": `proxy.device`.
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
"""The fields of `Result` that describe the step time."""
_TIMES = (*_STEP, "latency_ms")


@dataclass(frozen=True, slots=True)
class Result:
    """The measurements of an evaluation.

    accuracy, loss, top5: the metrics on the validation split after training, see `search.proxy.accuracy.Validation`.
        top5 is also None in results of versions that did not measure it.
    epochs: the number of epochs of the training.
    images: the number of images trained on, summed over all epochs.
    seconds: the wall-clock time of the whole evaluation, in seconds.
    images_per_second: the speed of the training loop alone.
    curve: the mean training loss of each epoch.
    step_ms: the time of a training step of the network that `search.proxy.proxy.timed` returns, in milliseconds (CPU
        time on a CPU, device time on a GPU).
    reference_step_ms: the time of a training step of the reference network, measured in the same way.
    step_ratio: the ratio of the two times. It is measured in pairs of steps, so it can differ slightly from the
        quotient of step_ms and reference_step_ms. All three are None if no step time was measured.
    graph: the way in which training steps were launched on a GPU: "captured" for one CUDA graph, or "eager: REASON";
        None on a CPU, for other training loops, and in results of versions without graphs.
    latency_ms: the latency of the full network in milliseconds, which is measured for the finalists and the answers
        of a search; None if it was not measured. The network and the reference network of the device profile are
        timed in turns. The ratio of their times is multiplied by the latency of the reference in the profile.
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
    latency_ms: float | None = None

    def timed(self, step: StepTime) -> Result:
        """Return a copy of this result with the step time `step`."""
        return replace(self, step_ms=step.ms, reference_step_ms=step.reference_ms, step_ratio=step.ratio)

    def timed_as(self, other: Result) -> Result:
        """Return this result, with the step time of `other` if it has none. other: a result of the same network."""
        if self.step_ratio is not None:
            return self
        return replace(self, **{key: getattr(other, key) for key in _STEP})

    def check(self) -> None:
        """Raise `ValueError` if a measurement is not a finite number, or if a time is negative."""
        if not all(map(_finite, (self.accuracy, self.loss, *self.curve))):
            raise ValueError(f"accuracy {self.accuracy}, loss {self.loss}")
        for name in ("seconds", "images_per_second", *_TIMES):
            value = getattr(self, name)
            if not (_finite(value) and value >= 0) and not (name in _TIMES and value is None):
                raise ValueError(f"{name} {value}")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary of values that JSON can represent."""
        return asdict(self) | {"curve": list(self.curve)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Return the result from a dictionary that `to_dict` returned. Keys of later versions are ignored."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        return cls(**known | {"curve": tuple(known["curve"])})


def _finite(value: object) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


def evaluate(
    request: Request, report: Report = lambda epoch, loss: None, parent: Weights | None = None
) -> Result:
    """Return the step time of the network relative to the reference, and its metrics after a training.

    report: is called after each epoch, see `Report`. parent: the weights that the network inherits from, if
    `request.proxy.parent` asks for them. Only the cache of the data is written. Raises `TrialFailed` if
    the network causes a failure, and `UserError` if the machine or the data do not permit the request.
    """
    from search.data import load
    from search.proxy.measure import measure
    from search.proxy.training import train

    started = time.perf_counter()
    proxy, device = request.proxy, request.device
    if proxy.parent is not None and parent is None:
        raise UserError(
            "proxy=finetune needs the weights of a parent: search launch space=inside:PARENT weights=FILE."
        )
    full = decode(request.architecture)
    data = load(request.source, proxy.resolution or full.resolution)

    shape = len(data.classes), data.channels
    network = proxy_architecture(full, proxy, *shape)
    step = None
    with _threads(request.threads):
        if request.reference:
            step = measure(*timed(full, decode(request.reference), proxy, *shape), proxy, device)
        training = train(network, data, proxy, request.seed, parent=parent, device=device, on_epoch=report)
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


@dataclass(frozen=True, slots=True)
class EvaluateChildren:
    """The evaluation of networks that inherit weights: `evaluate` with the file of their parent.

    An executor sends this object to each worker once, and the worker reads the weights once.
    file: the content of a file that `space.weights.weights_file` wrote.
    """

    file: bytes

    def __call__(self, request: Request, report: Report = lambda epoch, loss: None) -> Result:
        """Return the result of `evaluate` for a network that inherits from the parent."""
        return evaluate(request, report, _parent(self.file))


@lru_cache(maxsize=1)
def _parent(file: bytes) -> Weights:
    from space.weights.files import read_weights

    return read_weights(file)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Make torch use `count` threads while the context lasts, and restore the former number at its end."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
