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
from space.checks import text
from space.rescale import GROWTH

PHI_LIMIT = 16
"""The largest absolute value of phi, at which multiply-adds are about 2^16 times the base's."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The factors of depth (alpha), width (beta) and resolution (gamma) for each increase of phi by 1.

    Each is from 1 to 16. Before rounding, an increase of phi by 1 multiplies the multiply-adds by
    alpha * beta^2 * gamma^2, which should be about 2 according to the paper. Raises `UserError` for a coefficient
    outside of that range.
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
        """Return the multipliers at `phi`. 0 changes nothing; fractions and negative numbers are permitted."""
        return Multipliers(self.alpha**phi, self.beta**phi, self.gamma**phi)

    @property
    def growth(self) -> float:
        """The factor on multiply-adds per unit of phi before rounding: alpha * beta^2 * gamma^2."""
        return self.alpha * self.beta**2 * self.gamma**2

    def __str__(self) -> str:
        return f"alpha {self.alpha:.4g}, beta {self.beta:.4g}, gamma {self.gamma:.4g}"


PAPER = Coefficients(GROWTH.depth, GROWTH.width, GROWTH.resolution)
"""The paper's coefficients for EfficientNet-B0 (section 3.3, step 1). Their growth is 1.92, not 2."""


def checked_phi(phi: float) -> float:
    """Return `phi`. Raises `UserError` unless it is a number within +-`PHI_LIMIT`."""
    if not math.isfinite(phi) or abs(phi) > PHI_LIMIT:
        raise UserError(f"phi is {phi:g}; it must be a number from -{PHI_LIMIT} to {PHI_LIMIT}.")
    return phi


_KEYS = ("base", "alpha", "beta", "gamma")
SCHEMA = "compound-nas.coefficients"


@dataclass(frozen=True, slots=True)
class CoefficientsFile:
    """The content of a coefficients file.

    rule: the name of the rule that was fitted. rounding: the rounding of the fit. Each is None if the file doesn't
    state it.
    """

    coefficients: Coefficients
    rule: str | None
    rounding: Rounding | None


def read_coefficients(path: Path, base: Architecture) -> Coefficients:
    """Return the coefficients in a file that a fit wrote: YAML or JSON with base, alpha, beta and gamma.

    >>> from scaling import PUBLISHED
    >>> file = Path("coefficients.yaml")
    >>> _ = file.write_text("{base: b0, alpha: 1.3, beta: 1.1, gamma: 1.1}")
    >>> read_coefficients(file, PUBLISHED["b0"].architecture).alpha
    1.3

    base: the network that the coefficients must have been fitted for. Raises the errors of `read_coefficients_file`.
    """
    return read_coefficients_file(path, base).coefficients


def read_coefficients_file(path: Path, base: Architecture, rule: str | None = None) -> CoefficientsFile:
    """Return the content of a coefficients file: the coefficients, their rule and their rounding.

    Raises `UserError` for a file that cannot be read, lacks a key or has an invalid value; and for a file that names
    another base than `base`, or another rule than `rule` (None: any rule). A file without a rule serves all rules.
    """
    document = _document(path)
    try:
        fitted = resolve(str(document["base"])).architecture
        coefficients = Coefficients(document["alpha"], document["beta"], document["gamma"])
        rounding, own = _rounding(document.get("rounding")), document.get("rule")
        if own is not None:
            text("rule", own, "compound")
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if fitted != base:
        raise UserError(
            f"{path} was fitted to another base, {fitted}. Give that as --base, or the numbers themselves "
            "as --alpha --beta --gamma."
        )
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
        raise UserError(f"rounding is {document!r}; it may hold only {permitted}.") from None


def _document(path: Path) -> dict[str, Any]:
    from space import documents

    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"Cannot read {path}: {getattr(error, 'strerror', 'it is not UTF-8 text')}."
        ) from None
    document = documents.parse(content, str(path))
    if not isinstance(document, dict) or document.get("schema", SCHEMA) != SCHEMA:
        raise UserError(f"{path} is not a coefficients file: it must hold {', '.join(_KEYS)}.")
    for key in _KEYS:
        if key not in document:
            raise UserError(f"{path} is not a coefficients file: it lacks {key}.")
    return document
