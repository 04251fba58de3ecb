"""The executor that trains one trial after another in the driver process, which suits debugging."""

from __future__ import annotations

from search.executors.base import Driven, Evaluate, Executor
from search.proxy.evaluate import TrialFailed


class Stopped(Exception):
    """The exception that ends a trial when the engine stops it."""


class Serial(Executor):
    """The executor that runs trials in the driver process, one after another."""

    @property
    def parallel(self) -> int:
        return 1

    def run(self, engine: Driven, evaluate: Evaluate) -> None:
        while request := engine.next_trial():

            def report(epoch: int, loss: float, number: int = request.number) -> None:
                if engine.on_report(number, epoch, loss):
                    raise Stopped

            try:
                result = evaluate(request, report)
            except Stopped:
                engine.on_error(request.number, "stopped", retry=False)
            except TrialFailed as error:
                engine.on_error(request.number, str(error), retry=False)
            except Exception as error:
                engine.on_error(request.number, f"{type(error).__name__}: {error}", retry=True)
            else:
                engine.on_result(request.number, result)
