"""The call of a function in a child process.

Functions that use CUDA are called in this way, since a driver that has used CUDA itself cannot start workers that use
CUDA too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from search.executors.jobs import done, local
from space import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    number: int = 0


def in_child(function: Callable[..., T], *arguments: Any) -> T:
    """Return function(*arguments), computed in a child process that ends with the call.

    function: a function at the top level of a module. A `UserError` of the function is raised here too. After any
    other exception except `TrialFailed`, or the death of the process, the call is repeated once. If the call fails
    for good, `UserError` is raised with the reason.
    """
    answers: list[tuple[str, T]] = []
    failed = done(local(1), [_Call(function, arguments)], _called, lambda job, answer: answers.append(answer))
    for _, reason in failed:
        raise UserError(f"{function.__name__.strip('_')} in a process of its own failed: {reason}.")
    refusal, value = answers[0]
    if refusal:
        raise UserError(refusal)
    return value


def _called(job: _Call, report: Callable[[int, float], None]) -> tuple[str, Any]:
    try:
        return "", job.function(*job.arguments)
    except UserError as error:
        return str(error), None
