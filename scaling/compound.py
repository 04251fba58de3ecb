"""Compound scaling: depth alpha^phi, width beta^phi, resolution gamma^phi.

Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(arXiv 1905.11946), equation 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling.base import resolve
from space import Architecture, Multipliers, Rounding, UserError

PHI_LIMIT = 16
"""phi lies within +-16: 2^16 times the cost is beyond every network ever trained."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """By what depth (alpha), width (beta) and resolution (gamma) grow each time phi grows by 1.

    Each is at least 1. Multiply-adds grow in proportion to alpha * beta^2 * gamma^2 before rounding, which
    the paper asks to be about 2. Raises `UserError` for a coefficient that is no number of at least 1.
    """

    alpha: float
    beta: float
    gamma: float

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 1 <= value <= 16:
                raise UserError(f"{name} is {value!r}; it must be a number from 1 to 16.")

    def at(self, phi: float) -> Multipliers:
        """The multipliers at `phi`: 0 changes nothing, fractions and negative numbers are fine."""
        return Multipliers(self.alpha**phi, self.beta**phi, self.gamma**phi)

    @property
    def growth(self) -> float:
        """alpha * beta^2 * gamma^2: the factor on multiply-adds for each phi, before rounding."""
        return self.alpha * self.beta**2 * self.gamma**2

    def __str__(self) -> str:
        return f"alpha {self.alpha:.4g}, beta {self.beta:.4g}, gamma {self.gamma:.4g}"


PAPER = Coefficients(1.2, 1.1, 1.15)
"""The paper's result for EfficientNet-B0 (section 3.3, step 1). Their growth is 1.92, not 2."""


def checked_phi(phi: float) -> float:
    """`phi` itself. Raises `UserError` unless it is a number within +-`PHI_LIMIT`."""
    if not math.isfinite(phi) or abs(phi) > PHI_LIMIT:
        raise UserError(f"phi is {phi:g}; it must be a number from -{PHI_LIMIT} to {PHI_LIMIT}.")
    return phi


_KEYS = ("base", "alpha", "beta", "gamma")
SCHEMA = "compound-nas.coefficients"


@dataclass(frozen=True, slots=True)
class CoefficientsFile:
    """What a fit wrote. rule: the name of the one they belong to. rounding: the policy they were found with.

    Both are None in a file that does not say.
    """

    coefficients: Coefficients
    rule: str | None
    rounding: Rounding | None


def read_coefficients(path: Path, base: Architecture) -> Coefficients:
    """The coefficients in the file that a fit wrote: YAML or JSON with base, alpha, beta and gamma.

    Raises as `read_coefficients_file`.
    """
    return read_coefficients_file(path, base).coefficients


def read_coefficients_file(path: Path, base: Architecture, rule: str | None = None) -> CoefficientsFile:
    """All of that file that decides a network.

    Raises `UserError` for a file that cannot be read or lacks one of its keys, and for one whose base is another
    network than `base`, or whose rule is another than `rule`: coefficients are a property of both.
    """
    document = _document(path)
    try:
        fitted = resolve(str(document["base"])).architecture
        coefficients = Coefficients(document["alpha"], document["beta"], document["gamma"])
        rounding = _rounding(document.get("rounding"))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if fitted != base:
        raise UserError(
            f"{path} was fitted to another base, {fitted}. Give that as --base, or the numbers themselves "
            "as --alpha --beta --gamma."
        )
    own = document.get("rule")
    if None not in (own, rule) and own != rule:
        raise UserError(f"{path} was fitted for rule {own}, not {rule}.")
    return CoefficientsFile(coefficients, own, rounding)


def _rounding(document: Any) -> Rounding | None:
    if document is None:
        return None
    try:
        return Rounding(**document)
    except TypeError:
        permitted = ", ".join(Rounding.__dataclass_fields__)
        raise UserError(f"rounding is {document!r}; it must hold {permitted}.") from None


def _document(path: Path) -> dict[str, Any]:
    from space import documents

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"Cannot read {path}: {getattr(error, 'strerror', 'it is not UTF-8 text')}."
        ) from None
    document = documents.parse(text, str(path))
    if not isinstance(document, dict) or document.get("schema", SCHEMA) != SCHEMA:
        raise UserError(f"{path} is no coefficients file: it must hold {', '.join(_KEYS)}.")
    for key in _KEYS:
        if key not in document:
            raise UserError(f"{path} is no coefficients file: it lacks {key}.")
    return document
