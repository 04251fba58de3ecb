"""The command `scale`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from scaling.base import resolve
from scaling.budgets import Budget, largest
from scaling.cli import options, text
from scaling.cli.compare import compare
from scaling.cli.fit import fit
from scaling.cli.request import ScalingRequest, read_request
from scaling.families import family
from scaling.model import ScaledModel
from scaling.rows import ALL_COLUMNS, COLUMNS, PREDICTED, SCHEMA, VERSION, model_row, published_row
from scaling.rules import RULES
from search.cli import shells
from search.cli.terminal import run_command, version_option
from search.files import require_ending
from search.tables.selection import columns_of, ordered
from search.tables.table import Row
from search.tables.writing import EXACT, format_of, write
from space import CATALOG, Architecture, Published, UserError, decode
from space.catalog import families
from space.cost.table import COSTS
from space.refusal import unknown_name

if TYPE_CHECKING:
    from scaling.cli.curves import Curves
    from search.models.model import Provenance
    from search.profiles import Predictor

_RULES = "".join(f"\n  {rule.name:<11}{rule.summary}" for rule in RULES.values())
_HELP = f"""Scale a network up or down, with exact costs.

\b
  scale --phi 3 --base b0               one network and the nearest published
  scale --family 1..7 --base b0         a family; also 0..3:0.5 and -2,-1,0
  scale --published                     EfficientNet, also V2, as published
  scale --published --family mobilenet  other published networks
  scale --base v2-b0 --max-macs 2e9 --max-params 12M
                                        the largest within both, by each rule
  scale fit --base b0 data=...          fit the coefficients by training
  scale compare RUN --family -1..1:0.5  compare a family with published ones

\b
Rules:{_RULES}

Every output states whether a network was published or is the result of a formula.
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
        return _refuse_options_before_command(context)
    if all(context.get_parameter_source(name) is ParameterSource.DEFAULT for name in given):
        return click.echo(context.get_help())
    if isinstance(given["phis"], str):
        given |= {"listed": _listed(given["phis"], given["published"]), "phis": None}
    predict = _predictors(given)
    budget = Budget(**{name: given[f"max_{name}"] for name in COSTS}, predict=predict)
    asked = (given["phi"] is not None, given["phis"] is not None, bool(budget))
    if sum(asked) > 1:
        raise UserError("Give only one of --phi, --family and a budget (--max-...).")
    if not any((*asked, given["published"], given["figure"])):
        raise UserError("Say what to scale to: --phi, --family, --published or a budget (--max-...).")
    if given["onnx"] and given["save"] is None:
        raise UserError("--onnx goes with --save DIR.")
    require_ending("--report", given["report"], ".html", "a page")
    format_ = _format(given)
    columns = columns_of(ALL_COLUMNS, given["columns"]) if given["columns"] else None
    request = read_request(given)
    models = _models(request, given, budget)
    published = _published(request, given)
    rows = _rows(models, published, given, predict)
    drawn = _curves(models, request) if (given["figure"], given["report"]) != (None, None) else {}
    _save(models, published, drawn, request, given)
    _report(models, rows, drawn, request, given)
    shown = (*COLUMNS, *(PREDICTED[name] for name in predict))
    if format_:
        chosen = columns or (ALL_COLUMNS if format_ in EXACT else shown)
        write(rows, chosen, format_, given["out"], schema=SCHEMA, version=VERSION)
    elif given["phi"] is not None and not given["published"] and not columns:
        click.echo(text.answer(models[0], request.arguments(models[0].rule)["rounding"]))
    elif rows:
        click.echo(text.table(rows, columns or shown))


cli.add_command(fit)
cli.add_command(compare)


def _refuse_options_before_command(context: click.Context) -> None:
    """Refuse options of `scale` before the name of a command, which would ignore them."""
    for option in context.command.params:
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            name, command = option.opts[0], context.invoked_subcommand
            raise UserError(f"{name} stands before {command}; write: scale {command} {name} ...")


def main() -> None:
    """Run the command and exit: 0 success, 1 a failed run or system, 2 a mistake of the user, 130 interrupted."""
    shells.register()
    run_command("scale", lambda: cli.main(prog_name="scale", standalone_mode=False))


def _models(request: ScalingRequest, given: dict[str, Any], budget: Budget) -> list[ScaledModel]:
    if budget:
        return _largest(request, budget)
    phis = given["phis"] if given["phi"] is None else (given["phi"],)
    rule = request.rule or RULES["compound"]
    return list(family(request.base, phis or (), **request.arguments(rule)))


def _largest(request: ScalingRequest, budget: Budget) -> list[ScaledModel]:
    """Return the largest network within `budget` by each rule. Print the error of each rule that gives none.

    Raises `UserError` if no rule gives one.
    """
    models, refusals = [], []
    for rule in request.rules():
        try:
            models.append(largest(request.base, budget, **request.arguments(rule)))
        except UserError as error:
            refusals.append(error)
    if not models:
        raise refusals[0]
    for refusal in refusals:
        click.echo(f"scale: {refusal}", err=True)
    return models


def _listed(name: str, published: bool) -> str:
    """Return `name` if it is the name of a published family, or "all".

    Raises `UserError` for another name, and for a name without --published.
    """
    if name not in (*families(), "all"):
        raise unknown_name("family", name, (*families(), "all", "FIRST..LAST"))
    if not published:
        raise UserError(f"--family {name} goes with --published; a range of phi is written 1..7.")
    return name


def _published(request: ScalingRequest, given: dict[str, Any]) -> tuple[Published, ...]:
    """Return the published networks that --published adds; () without this option.

    These are the networks of the given family. Without one, they are the networks of the base's family, or of
    EfficientNet if the base is not a published network.
    """
    if not given["published"]:
        return ()
    own = CATALOG.get(request.base.name, CATALOG["b0"])
    name = given.get("listed", own.family)
    return tuple(row for row in CATALOG.values() if name in (row.family, "all"))


def _save(
    models: list[ScaledModel],
    published: tuple[Published, ...],
    drawn: Curves,
    request: ScalingRequest,
    given: dict[str, Any],
) -> None:
    folders: list[Path] = []
    if given["save"] is not None:
        from scaling.runs import provenance_of
        from search.models.model import UNKNOWN

        origin = provenance_of(given["base"]) if models else UNKNOWN
        members = {model.name: (model.architecture, origin) for model in models}
        members |= {row.name: (row.architecture, UNKNOWN) for row in published}
        folders = [
            _folder(name, architecture, given["save"] / name, given["onnx"], own)
            for name, (architecture, own) in members.items()
        ]
    figures: list[Path] = []
    if given["figure"] is not None:
        figures = _figures(request, drawn, given["figure"])
    for path in (*folders, *figures):
        click.echo(f"Wrote {path}", err=True)
    if folders:
        data = "" if origin.run else " data=folder data.path=DIR"
        click.echo(f"\nNext: search train {shlex.quote(str(folders[0]))}{data}", err=True)


def _curves(models: list[ScaledModel], request: ScalingRequest) -> Curves:
    """Return the cost curves of the rules over 0 and every phi of `models`; over 0 to 7 if no phi differs from 0."""
    from scaling.cli.curves import curves

    phis = sorted({0.0, *(model.phi for model in models)})
    ends = phis if len(phis) > 1 else (0.0, 7.0)
    return curves(request.base, ends, [request.arguments(rule) for rule in request.rules()])


def _figures(request: ScalingRequest, drawn: Curves, out: Path) -> list[Path]:
    from scaling.cli.pages import cost_charts
    from search.report.figures import draw

    stem = out.with_suffix("") if out.suffix in (".png", ".svg") else out
    charts = cost_charts(request.base, drawn)
    return [path for chart in charts for path in draw(chart, stem.with_name(f"{stem.name}-{chart.key}"))]


def _folder(name: str, architecture: Architecture, directory: Path, runs: bool, origin: Provenance) -> Path:
    """Write the folder of an untrained network, and return it.

    runs: True to add random weights and executable files.
    """
    from search.models.export import export
    from search.training.named_models import untrained

    model = untrained(architecture, provenance=origin, weights=runs)
    return export(name, model, directory, required=("onnx",) if runs else ()).directory


def _format(given: dict[str, Any]) -> str | None:
    """Return the file format of the table that the options choose; None for a table on the screen."""
    if given["as_json"]:
        if given["format_"]:
            raise UserError("Give --json or --format, not both.")
        return "json"
    return format_of(given["format_"], given["out"]) if given["format_"] or given["out"] else None


def _report(
    models: list[ScaledModel], rows: list[Row], drawn: Curves, request: ScalingRequest, given: dict[str, Any]
) -> None:
    if given["report"] is None:
        return
    from scaling.cli.pages import family_page
    from search.files import write_file
    from search.report.render import html

    page = family_page(request.base, rows, models, drawn, shlex.join(["scale", *sys.argv[1:]]))
    write_file(given["report"], html(page))
    click.echo(f"Wrote {given['report']}", err=True)


def _predictors(given: dict[str, Any]) -> dict[str, Callable[[Architecture], float]]:
    """Return the functions that predict step times and latencies in milliseconds, by the name of the cost.

    They use the given profile. For a limited cost that it does not predict, they use a saved profile of this device.
    """
    limited = {name for name in PREDICTED if given[f"max_{name}"] is not None}
    if given["profile"] is None and not limited:
        return {}
    from search.profiles import Predictor, Profile
    from search.profiles.lookup import closest
    from search.profiles.profile import BATCHES

    profiles = [Profile.load(given["profile"])] if given["profile"] is not None else []
    missing = limited - {profile.cost for profile in profiles}
    network = resolve(given["base"]).architecture
    profiles += [closest(network, batch, cost) for cost, batch in BATCHES.items() if cost in missing]
    return {profile.cost: _milliseconds(Predictor(profile)) for profile in profiles}


def _milliseconds(predictor: Predictor) -> Callable[[Architecture], float]:
    return lambda architecture: predictor(architecture).ms


def _rows(
    models: list[ScaledModel],
    published: tuple[Published, ...],
    given: dict[str, Any],
    predict: Mapping[str, Callable[[Architecture], float]],
) -> list[Row]:
    rows: list[Row] = [*map(model_row, models), *map(published_row, published)]
    for name, milliseconds in predict.items():
        key = PREDICTED[name].key
        rows = [{**row, key: milliseconds(decode(row["architecture"]))} for row in rows]
    return ordered(rows, ALL_COLUMNS, given["sort"]) if given["sort"] else rows


if __name__ == "__main__":
    main()
