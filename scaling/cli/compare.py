"""The command `scale compare`."""

from __future__ import annotations

import click

from scaling.cli import types
from scaling.rules import RULES
from search.cli import completers
from search.cli.compare import SETTINGS, carry_out
from space import UserError
from space.refusal import unknown_name


@click.command(epilog=SETTINGS)
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="RUN|NETWORK... [KEY=VALUE]...",
    shell_complete=completers.networks,
)
@click.option("--family", metavar="PHIS", help="Scale one network to these values of phi, such as -1..1:0.5.")
@click.option(
    "--rule",
    default="compound",
    show_default=True,
    shell_complete=completers.words(RULES),
    help="The scaling rule of --family.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the networks with their costs and the estimated time; train nothing.",
)
def compare(words: tuple[str, ...], family: str | None, rule: str, dry_run: bool) -> None:
    """Compare a family with published networks at the costs of its members, on your images.

    The family is one network scaled to several values of phi, or several networks, such as the best ones of searches
    at several limits. Accuracy is drawn against latency, step time and parameters, with a curve for each family.
    """
    from scaling.cli.compared_families import given_family, scaled_family
    from search.compare.plan import plan_of
    from search.settings.words import is_setting, parse

    settings = [word for word in words if is_setting(word)]
    networks = [word for word in words if not is_setting(word)]
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES)
    if family is None:
        named = given_family(networks)
    elif len(networks) != 1:
        raise UserError(f"--family scales one network; {len(networks)} are named.")
    else:
        named = scaled_family(networks[0], types.phis(family), rule)
    carry_out(plan_of(named, parse(settings)), dry_run, "scale")
