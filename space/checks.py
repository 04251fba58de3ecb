"""Checks of the values in an architecture. Each raises `UserError` with the name of the value."""

from __future__ import annotations

from space.conv import ACTIVATIONS
from space.refusal import UserError, unknown_name


def whole(name: str, value: object, minimum: int = 1, maximum: int | None = None) -> None:
    """Raise `UserError` unless `value` is an int from `minimum` to `maximum` (None: no upper bound)."""
    if type(value) is not int or value < minimum or (maximum is not None and value > maximum):
        permitted = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise UserError(f"{name} is {value!r}; it must be a whole number {permitted}.")


def odd(name: str, value: object) -> None:
    """Raise `UserError` unless `value` is an odd int of at least 1."""
    whole(name, value)
    if value % 2 == 0:  # type: ignore[operator]
        raise UserError(f"{name} is {value!r}; it must be odd, such as 3 or 5.")


def stride(name: str, value: object) -> None:
    """Raise `UserError` unless `value` is 1 or 2."""
    if type(value) is not int or value not in (1, 2):
        raise UserError(f"{name} is {value!r}; it must be 1 or 2.")


def ratio(name: str, value: object, minimum: float, maximum: float) -> float:
    """Return `value`, as an int if it is whole.

    Raises `UserError` unless it is a number from `minimum` to `maximum`.
    """
    if type(value) not in (int, float) or not minimum <= value <= maximum:  # type: ignore[operator]
        raise UserError(f"{name} is {value!r}; it must be a number from {minimum} to {maximum}.")
    return int(value) if value == int(value) else value  # type: ignore[call-overload, return-value]


def act(name: str, value: object) -> None:
    """Raise `UserError` unless `value` is one of `ACTIVATIONS`."""
    if value not in ACTIVATIONS:
        raise unknown_name(name, value, ACTIVATIONS)


def text(name: str, value: object, example: str) -> None:
    """Raise `UserError` unless `value` is text. example: a valid text for the message."""
    if not isinstance(value, str):
        raise UserError(f"{name} is {value!r}; it must be text such as {example}.")
