"""How to scale, as a command line says it: the base, the rule with its coefficients, and the rounding."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from scaling.base import Base, resolve
from scaling.compound import Coefficients, read_coefficients_file
from scaling.rules import RULES, Rule, fast
from space import UserError
from space.refusal import unknown_name


@dataclass(frozen=True, slots=True)
class Way:
    """How to scale: the base, the rule that was asked for (if any), and the fields of `Rounding` that were."""

    base: Base
    rule: Rule | None
    rounding: dict[str, Any]

    def rules(self) -> tuple[Rule, ...]:
        """The rule that was asked for, or all."""
        return (self.rule,) if self.rule else tuple(RULES.values())

    def arguments(self, rule: Rule) -> dict[str, Any]:
        """Keyword arguments of `scale`, `family` and `largest`."""
        return {"rule": rule, "rounding": replace(rule.rounding, **self.rounding)}


def way_of(given: dict[str, Any]) -> Way:
    """What the options of `scale` say. Raises `UserError` for what contradicts itself or cannot be."""
    base = resolve(given["base"])
    rule = _rule(given["rule"], given["share"])
    typed = {key: given[key] for key in ("alpha", "beta", "gamma") if given[key] is not None}
    fields = ("divisor", "limit", "depth", "resolution")
    rounding = {field: given[field] for field in fields if given[field] is not None}
    if given["coefficients"] is not None:
        if typed:
            raise UserError("Give --coefficients or --alpha, --beta, --gamma, not both.")
        file = read_coefficients_file(given["coefficients"], base.architecture, rule.name if rule else None)
        rule = (rule or named(file.rule or "compound")).fitted(file.coefficients)
        rounding = (asdict(file.rounding) if file.rounding else {}) | rounding
    elif typed:
        rule = _with(typed, rule or RULES["compound"])
    return Way(base, rule, rounding)


def _rule(name: str | None, share: float | None) -> Rule | None:
    rule = None if name is None else named(name)
    if share is None:
        return rule
    if name != "fast":
        raise UserError("--share belongs to --rule fast.")
    return fast(share)


def named(rule: str) -> Rule:
    """The rule of that name. Raises `UserError` if there is none, naming the nearest."""
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES)
    return RULES[rule]


def _with(typed: dict[str, float], rule: Rule) -> Rule:
    """`rule` with the coefficients that were typed; what they leave out is the rule's own."""
    # A rule without coefficients refuses these when it gets them.
    own = rule.law if isinstance(rule.law, Coefficients) else Coefficients(1, 1, 1)
    return rule.fitted(replace(own, **typed))
