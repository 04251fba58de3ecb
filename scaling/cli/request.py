"""The scaling that a command line asks for: the base, the rule with its coefficients, and the rounding."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from scaling.base import Base, resolve
from scaling.compound import Coefficients, read_coefficients_file
from scaling.rules import RULES, Rule, fast
from space import UserError
from space.refusal import unknown_name


@dataclass(frozen=True, slots=True)
class ScalingRequest:
    """The base, the rule, and the fields of `Rounding` that options or a file of coefficients give.

    rule: None if neither a rule nor coefficients were given.
    """

    base: Base
    rule: Rule | None
    rounding: dict[str, Any]

    def rules(self) -> tuple[Rule, ...]:
        """Return the rule, or all rules if there is none."""
        return (self.rule,) if self.rule else tuple(RULES.values())

    def arguments(self, rule: Rule) -> dict[str, Any]:
        """Return the keyword arguments of `scale`, `family` and `largest` that scale by `rule`."""
        return {"rule": rule, "rounding": replace(rule.rounding, **self.rounding)}


def read_request(options: dict[str, Any]) -> ScalingRequest:
    """Return the scaling that the options of `scale` ask for. options: the value of each option by its name.

    Raises `UserError` for invalid or contradictory values.
    """
    base = resolve(options["base"])
    rule = _rule(options["rule"], options["share"])
    coefficients = {key: options[key] for key in ("alpha", "beta", "gamma") if options[key] is not None}
    fields = ("divisor", "limit", "depth", "resolution")
    rounding = {field: options[field] for field in fields if options[field] is not None}
    if options["coefficients"] is not None:
        if coefficients:
            raise UserError("Give --coefficients or --alpha, --beta, --gamma, not both.")
        file = read_coefficients_file(options["coefficients"], base.architecture, rule.name if rule else None)
        rule = (rule or rule_named(file.rule or "compound")).fitted(file.coefficients)
        rounding = (asdict(file.rounding) if file.rounding else {}) | rounding
    elif coefficients:
        rule = _with_coefficients(rule or RULES["compound"], coefficients)
    return ScalingRequest(base, rule, rounding)


def rule_named(name: str) -> Rule:
    """Return the rule of that name. Raises `UserError` if there is none, with the nearest name."""
    if name not in RULES:
        raise unknown_name("rule", name, RULES)
    return RULES[name]


def _rule(name: str | None, share: float | None) -> Rule | None:
    rule = None if name is None else rule_named(name)
    if share is None:
        return rule
    if name != "fast":
        raise UserError("--share belongs to --rule fast.")
    return fast(share)


def _with_coefficients(rule: Rule, coefficients: dict[str, float]) -> Rule:
    # If the rule has no coefficients, `Rule.fitted` refuses all, so their values don't matter.
    own = rule.law if isinstance(rule.law, Coefficients) else Coefficients(1, 1, 1)
    return rule.fitted(replace(own, **coefficients))
