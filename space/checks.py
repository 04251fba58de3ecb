"""Whether a value can be a part of an architecture; what it cannot be is refused by its name."""

from __future__ import annotations

from space.conv import ACTIVATIONS
from space.refusal import UserError, unknown_name


def whole(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    """Raises `UserError` unless `value` is a whole number within bounds."""
    if type(value) is not int or value < least or (most is not None and value > most):
        permitted = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UserError(f"{name} is {value!r}; it must be a whole number {permitted}.")


def odd(name: str, value: object) -> None:
    """Raises `UserError` unless `value` is an odd whole number."""
    whole(name, value)
    if value % 2 == 0:  # type: ignore[operator]
        raise UserError(f"{name} is {value!r}; it must be odd, such as 3 or 5.")


def stride(name: str, value: object) -> None:
    """Raises `UserError` unless `value` is 1 or 2."""
    if type(value) is not int or value not in (1, 2):
        raise UserError(f"{name} is {value!r}; it must be 1 or 2.")


def ratio(name: str, value: object, least: float, most: float) -> float:
    """`value`, as an int where it is whole. Raises `UserError` unless it is a number within bounds."""
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise UserError(f"{name} is {value!r}; it must be a number from {least} to {most}.")
    return int(value) if value == int(value) else value  # type: ignore[call-overload, return-value]


def act(name: str, value: object) -> None:
    """Raises `UserError` unless `value` is an activation."""
    if value not in ACTIVATIONS:
        raise unknown_name(name, value, ACTIVATIONS)


def text(name: str, value: object, example: str) -> None:
    """Raises `UserError` unless `value` is text."""
    if not isinstance(value, str):
        raise UserError(f"{name} is {value!r}; it must be text such as {example}.")
