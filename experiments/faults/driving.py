"""A driver for the drills of `drills.py`: searches without training, as run `runs/drill` of the working folder.

    python experiments/faults/driving.py EVALUATOR [KEY=VALUE]...

It prints "ready" when the search has begun, and the number of each finished trial. Workers append a line
"NUMBER ATTEMPT" to evaluated.txt for each finished evaluation.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from search import Stopped, launch, resume
from search.engine.display import Silent
from search.engine.search_and_finals import SearchAndFinals
from search.proxy.evaluate import Request, Result, evaluate
from search.settings.words import parse
from search.testing import looked_up
from search.trials.ledger import LedgerFailed
from search.trials.trial import Trial
from space import UserError

Report = Callable[[int, float], None]
SMALL = {
    "space": "tiny_space",
    "data.images": 100,
    "data.test_images": 20,
    "proxy": "tiny",
    "sampler": "random",
    "step": "measured",
    "run": "drill",
}
BAD = 4
"""The distance between two bad trials, in which the evaluators with faults fail. Trials 1, 5, 9, ... are bad."""


def quick(request: Request, report: Report) -> Result:
    """Return a repeatable result after 30 ms without training, and note the evaluation in evaluated.txt."""
    time.sleep(0.03)
    result = looked_up(request, report)
    with open(os.environ["DRILL_FOLDER"] + "/evaluated.txt", "a") as log:
        log.write(f"{request.number} {request.attempt}\n")
    return result


def killed_once(request: Request, report: Report) -> Result:
    """Kill the worker in the first attempt of a bad trial."""
    if request.number % BAD == 1 and request.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(request, report)


def stops_once(request: Request, report: Report) -> Result:
    """Stop the worker (SIGSTOP) in the first attempt of a bad trial, so that it neither works nor ends."""
    if request.number % BAD == 1 and request.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return quick(request, report)


def stops(request: Request, report: Report) -> Result:
    """Stop the worker in every attempt of trial 1."""
    if request.number == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return quick(request, report)


def greedy(request: Request, report: Report) -> Result:
    """In a bad trial, allocate more memory than the process may have."""
    if request.number % BAD == 1:
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (2**34, before[1]))
        try:
            bytearray(2**35)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
    return quick(request, report)


def diverging(request: Request, report: Report) -> Result:
    """Return an accuracy of NaN for a bad trial."""
    result = quick(request, report)
    return replace(result, accuracy=float("nan")) if request.number % BAD == 1 else result


def broken(request: Request, report: Report) -> Result:
    """Raise an exception in the head of a bad trial's network."""
    if request.number % BAD == 1:
        import torch

        from space import decode
        from space.network.network import build

        network = build(decode(request.architecture))

        def fail(*_: object) -> None:
            raise RuntimeError("a block that fails")

        network.get_submodule("head").register_forward_pre_hook(fail)
        network(torch.zeros(2, 3, 32, 32))
    return quick(request, report)


EVALUATORS = {
    f.__name__: f for f in (quick, killed_once, stops_once, stops, greedy, diverging, broken, evaluate)
}


class Printer(Silent):
    """A display that prints "ready" at the begin of a search, and the numbers of finished trials.

    With the environment variable DRILL_CLOCK it sets the driver's clock back by a day after trial 5.
    """

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        print("ready", flush=True)
        return nullcontext()

    def finished(self, trial: Trial) -> None:
        print(trial.number, flush=True)
        if os.environ.get("DRILL_CLOCK") and trial.number == 5:
            real = time.time
            time.time = lambda: real() - 86400  # type: ignore[assignment]


def main() -> int:
    """Run the command line and return its exit code."""
    name, *words = sys.argv[1:]
    settings, evaluator = parse(words), EVALUATORS[name]
    try:
        if os.path.exists("runs/drill"):
            resume("drill", settings, display=Printer(), evaluate=evaluator)
        else:
            small = {
                key: value for key, value in SMALL.items() if "data" not in settings or "data." not in key
            }
            launch({**small, **settings}, display=Printer(), evaluate=evaluator)
    except KeyboardInterrupt:
        return 130
    except (Stopped, LedgerFailed, UserError, OSError) as error:
        print(f"search: {error}", file=sys.stderr, flush=True)
        return 2 if isinstance(error, UserError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
