"""The command `scale`: a thin layer over `scaling`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from scaling.base import resolve
from scaling.budgets import Budget, largest
from scaling.cli import options, text
from scaling.cli.fit import fit
from scaling.cli.request import Way, way_of
from scaling.families import ScaledModel, family
from scaling.rows import ALL_COLUMNS, COLUMNS, SCHEMA, STEP, VERSION, model_row, published_row
from scaling.rules import RULES
from search.cli import shells
from search.cli.terminal import version_option
from search.files import require_ending
from search.tables.selection import columns_of, ordered
from search.tables.table import Row
from search.tables.writing import EXACT, format_of, write
from space import CATALOG, Architecture, Published, UserError, decode
from space.catalog import families
from space.refusal import unknown_name

_RULES = "".join(f"\n  {rule.name:<12}{rule.summary}" for rule in RULES.values())
_HELP = f"""Derive larger and smaller siblings of a network, with exact costs.

\b
  scale --phi 3 --base b0               one network, and the published one nearest to it
  scale --family 1..7 --base b0         a family; 0..3:0.5 and -2,-1,0 work too
  scale --published                     EfficientNet and EfficientNetV2 as published
  scale --published --family mobilenet  other published networks
  scale --base v2-b0 --max-macs 2e9 --max-params 12M
                                        the largest that fits, for every rule
  scale fit --base b0 data=...          find the coefficients by training: scale fit --help

\b
Rules:{_RULES}

What a formula gives and what was published are told apart in every output.
"""


@click.group(help=_HELP, invoke_without_command=True, context_settings={"max_content_width": 110})
@options.WHAT
@options.HOW
@options.BUDGET
@options.ROUNDING
@options.OUTPUT
@version_option
@click.pass_context
def cli(context: click.Context, /, **given: Any) -> None:
    if context.invoked_subcommand is not None:
        return _nothing_before(context)
    if all(context.get_parameter_source(name) is ParameterSource.DEFAULT for name in given):
        return click.echo(context.get_help())
    if isinstance(given["phis"], str):
        given |= {"listed": _listed(given["phis"], given["published"]), "phis": None}
    predict = _predictor(given)
    limits = {name: given[f"max_{name}"] for name in ("params", "macs", "activations", "step_ms")}
    budget = Budget(**limits, predict=predict)
    asked = (given["phi"] is not None, given["phis"] is not None, bool(budget))
    if sum(asked) > 1:
        raise UserError("Give one of --phi, --family and a budget (--max-...).")
    if not any((*asked, given["published"], given["figure"])):
        raise UserError("Say what to scale to: --phi, --family, --published or a budget (--max-...).")
    if given["onnx"] and given["save"] is None:
        raise UserError("--onnx goes with --save DIR.")
    require_ending("--report", given["report"], ".html", "a page")
    format_ = _format(given)
    columns = columns_of(ALL_COLUMNS, given["columns"]) if given["columns"] else None
    way = way_of(given)
    models = _models(way, given, budget)
    published = _published(way, given)
    rows = _rows(models, published, given, predict)
    _save(models, published, way, given)
    _report(models, rows, way, given)
    shown = (*COLUMNS, STEP) if predict else COLUMNS
    if format_:
        chosen = columns or (ALL_COLUMNS if format_ in EXACT else shown)
        write(rows, chosen, format_, given["out"], schema=SCHEMA, version=VERSION)
    elif given["phi"] is not None and not given["published"] and not columns:
        click.echo(text.answer(models[0], way.arguments(models[0].rule)["rounding"]))
    elif rows:
        click.echo(text.table(rows, columns or shown))


cli.add_command(fit)


def _nothing_before(context: click.Context) -> None:
    """Refuses options of `scale` itself before the name of a command, which would not see them."""
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            name, command = option.opts[0], context.invoked_subcommand
            raise UserError(f"{name} stands before {command}; write: scale {command} {name} ...")


def main() -> None:
    """Run the command; what the user did wrong is one line on standard error, and exit code 2."""
    shells.register()
    try:
        code = cli.main(prog_name="scale", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except UserError as error:
        message = str(error)
    except click.ClickException as error:
        message = error.format_message()
    except click.Abort:
        sys.exit(130)
    except OSError as error:
        message = f"{error.strerror or error}."
    click.echo(f"scale: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _models(way: Way, given: dict[str, Any], budget: Budget) -> list[ScaledModel]:
    if budget:
        return list(_fitting(way, budget))
    phis = given["phis"] if given["phi"] is None else (given["phi"],)
    rule = way.rule or RULES["compound"]
    return list(family(way.base, phis or (), **way.arguments(rule)))


def _fitting(way: Way, budget: Budget) -> Iterable[ScaledModel]:
    """The largest network by each rule. What a rule cannot do is a note, unless none of them can."""
    found, refusals = [], []
    for rule in way.rules():
        try:
            found.append(largest(way.base, budget, **way.arguments(rule)))
        except UserError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    for refusal in refusals:
        click.echo(f"scale: {refusal}", err=True)
    return found


def _listed(name: str, published: bool) -> str:
    """`name`, if networks were published under it."""
    if name not in (*families(), "all"):
        raise unknown_name("family", name, (*families(), "all", "FIRST..LAST"))
    if not published:
        raise UserError(f"--family {name} goes with --published; a family of siblings is written 1..7.")
    return name


def _published(way: Way, given: dict[str, Any]) -> tuple[Published, ...]:
    """The published networks that were asked for: of the family that was named, else of the base's."""
    if not given["published"]:
        return ()
    own = CATALOG.get(way.base.name, CATALOG["b0"])
    name = given.get("listed", own.family)
    return tuple(row for row in CATALOG.values() if name in (row.family, "all"))


def _save(
    models: list[ScaledModel], published: tuple[Published, ...], way: Way, given: dict[str, Any]
) -> None:
    written: list[Path] = []
    if given["save"] is not None:
        members = {model.name: model.architecture for model in models}
        members |= {row.name: row.architecture for row in published}
        written += [
            _folder(name, architecture, given["save"] / name, given["onnx"])
            for name, architecture in members.items()
        ]
    if given["figure"] is not None:
        from scaling.cli.figures import cost_curves

        ways = [way.arguments(rule) for rule in way.rules()]
        written += cost_curves(way.base, given["phis"] or (0.0, 7.0), ways, given["figure"])
    for path in written:
        click.echo(f"Wrote {path}", err=True)


def _folder(name: str, architecture: Architecture, directory: Path, runs: bool) -> Path:
    """The folder of a network that is not trained. runs: with fresh weights, and in forms that run."""
    from search.models.export import export
    from search.training.named_models import untrained

    model = untrained(architecture, weights=runs)
    return export(name, model, directory, required=("onnx",) if runs else ()).directory


def _format(given: dict[str, Any]) -> str | None:
    """The format of the table, None where it is for the screen."""
    if given["as_json"]:
        if given["format_"]:
            raise UserError("Give --json or --format, not both.")
        return "json"
    return format_of(given["format_"], given["out"]) if given["format_"] or given["out"] else None


def _report(models: list[ScaledModel], rows: list[Row], way: Way, given: dict[str, Any]) -> None:
    if given["report"] is None:
        return
    from scaling.cli.pages import family_page
    from scaling.curves import curves
    from search.files import write_file
    from search.report.render import html

    phis = sorted({0.0, *(model.phi for model in models)})
    ends = phis if len(phis) > 1 else (0.0, 7.0)
    drawn = curves(way.base, ends, [way.arguments(rule) for rule in way.rules()])
    page = family_page(way.base, rows, models, drawn, shlex.join(["scale", *sys.argv[1:]]))
    write_file(given["report"], html(page))
    click.echo(f"Wrote {given['report']}", err=True)


def _predictor(given: dict[str, Any]) -> Callable[[Architecture], float] | None:
    """What tells step times: the profile that was given, or where the budget needs one, this device's."""
    if given["profile"] is None and given["max_step_ms"] is None:
        return None
    from search.profiles import Predictor, Profile
    from search.profiles.lookup import closest

    if given["profile"] is not None:
        found = Predictor(Profile.load(given["profile"]))
    else:
        found = Predictor(closest(resolve(given["base"]).architecture))
    return lambda architecture: found(architecture).ms


def _rows(
    models: list[ScaledModel],
    published: tuple[Published, ...],
    given: dict[str, Any],
    predict: Callable[[Architecture], float] | None,
) -> list[Row]:
    rows: list[Row] = [*map(model_row, models), *map(published_row, published)]
    if predict:
        rows = [{**row, STEP.key: predict(decode(row["architecture"]))} for row in rows]
    return ordered(rows, ALL_COLUMNS, given["sort"]) if given["sort"] else rows


if __name__ == "__main__":
    main()
