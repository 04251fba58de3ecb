"""Networks that are scaled from one base network: a single one (`scale`), or a family.

>>> model = scale("b0", 3)
>>> model.multipliers.depth, model.architecture.resolution, model.cost.params
(1.7279999999999998, 341, 16350296)
>>> [member.architecture.depth for member in family("b0", range(4))]
[16, 23, 26, 31]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from scaling.base import Base, resolve
from scaling.compound import Coefficients
from scaling.model import ScaledModel
from scaling.rows import ALL_COLUMNS, COLUMNS, SCHEMA, VERSION, model_row
from scaling.rules import RULES, Rule
from search.tables.selection import filled
from search.tables.table import Table
from space import Architecture, Multipliers, Rounding, UserError, cost
from space.refusal import unknown_name

if TYPE_CHECKING:
    import pandas as pd


class Family(tuple[ScaledModel, ...]):
    """Scaled networks, in the order in which they were asked for: a tuple that notebooks show as a table."""

    __slots__ = ()

    @property
    def table(self) -> Table:
        """A table with a row for each network, and the columns of `scale --family --format csv` that have values."""
        rows = [model_row(model) for model in self]
        return Table(rows, filled(rows, ALL_COLUMNS), SCHEMA, VERSION, f"{len(self)} scaled networks")

    def to_dataframe(self) -> pd.DataFrame:
        """Return a pandas DataFrame with a row for each network.

        >>> family("b0", [0, 1]).to_dataframe()["params"].tolist()
        [5288548, 9109994]
        """
        return self.table.to_dataframe()

    def _repr_html_(self) -> str:
        """Return the columns that fit a page as HTML, for notebooks."""
        table = self.table
        return replace(table, columns=[c for c in COLUMNS if c in table.columns])._repr_html_()


def scale(
    base: str | Architecture | Base,
    phi: float,
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> ScaledModel:
    """Return `base` scaled to `phi`: larger above 0, smaller below 0, unchanged at 0.

    base: the name of a published network, a file, a canonical string or an architecture (`scaling.base.resolve`).
    phi: a number within +-16; multiply-adds grow by a factor of about 2^phi. rule: a key of `RULES`, or a rule.
    coefficients, rounding: values that replace those of the rule.

    Raises `UserError` for an unknown base or rule, for coefficients if the rule's own are fixed, for a phi outside of
    the rule's range, and for a phi at which a layer would have no channels, images would be too small for the
    network, or stages would be too deep.

    >>> scale("b0", -1).cost.params < scale("b0", 0).cost.params
    True
    """
    base, rule = resolve(base), _rule(rule)
    if coefficients is not None:
        rule = rule.fitted(coefficients)
    multipliers = rule.at(phi)
    _check_width(base.architecture, multipliers, phi)
    scaled = rule.shape(base.architecture, multipliers, rounding or rule.rounding)
    if scaled.resolution < min(scaled.stride, base.architecture.resolution):
        raise UserError(
            f"phi = {phi:g} leaves images with sides of {scaled.resolution} pixels, fewer than the total stride of "
            f"{base.name}, {scaled.stride}."
        )
    # Called for its refusal of images that layers without padding reduce to nothing; costs are cached by blocks.
    try:
        cost(scaled)
    except UserError as error:
        raise UserError(f"phi = {phi:g}: {error}") from None
    return ScaledModel(base, rule, phi, multipliers, scaled)


def family(
    base: str | Architecture | Base,
    phis: Iterable[float],
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> Family:
    """Return the networks of `base` scaled to each of `phis`, in that order. Raises the errors of `scale`.

    >>> [model.architecture.resolution for model in family("b0", range(4))]
    [224, 258, 296, 341]
    """
    base = resolve(base)
    return Family(scale(base, phi, rule=rule, coefficients=coefficients, rounding=rounding) for phi in phis)


def _rule(rule: str | Rule) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES)
    return RULES[rule]


def _check_width(base: Architecture, multipliers: Multipliers, phi: float) -> None:
    narrowest = min(base.stem.width, *(stage.width for stage in base.stages))
    if narrowest * multipliers.width < 1:
        raise UserError(
            f"phi = {phi:g} leaves no channel: {narrowest} channels times {multipliers.width:.3g} is "
            f"{narrowest * multipliers.width:.2g}."
        )
