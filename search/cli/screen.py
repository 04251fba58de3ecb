"""What a space, a network, a trial or a run consists of, for the screen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from search.cli.live import brief, table
from search.data.report import Report
from search.profiles import Predictor
from search.profiles.lookup import here, serving
from search.report.conclusion import conclusion
from search.runs.front import growth, on_front
from search.runs.run import Run
from search.tables.table import Column
from search.tables.units import clock
from search.trials.trial import Trial
from space import Architecture, Cost, Space, UserError, cost, parts
from space.cost.cost import Part

_STAGES = (
    Column("name", "Part"),
    Column("op", "Op"),
    Column("depth", "Depth", form="d"),
    Column("kernel", "Kernel", form="d"),
    Column("stride", "Stride", form="d"),
    Column("expand", "Expand"),
    Column("se", "SE"),
    Column("width", "Width", form="d"),
    Column("size", "Size", "px"),
    Column("params", "Params", form=",d"),
    Column("macs", "MACs", form=",d"),
    Column("activations", "Activations", form=",d"),
)
_FVCORE = (
    Column("fvcore_params", "Params by fvcore", form=",d"),
    Column("fvcore_macs", "MACs by fvcore", form=",d"),
)


def show_space(space: Space) -> Iterator[RenderableType]:
    """The stages of a space with their choices, its size and what its networks cost."""
    found = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Stage", "Op", "Kernel", "Expand", "Depth", "Stride", "Width", "SE"):
        found.add_column(title)
    for number, stages in enumerate(space.stages):
        fields = ("op", "kernel", "expand", "depth", "stride", "width", "se")
        found.add_row(str(number), *(_options(getattr(stage, field) for stage in stages) for field in fields))
    frames = space.frames
    yield f"space {space.name}: {space.size:,} distinct networks, {len(space.choices)} choices"
    yield (
        f"resolution {_options(frame.resolution for frame in frames)},"
        f" stem width {_options(frame.stem.width for frame in frames)}"
        f" stride {_options(frame.stem.stride for frame in frames)},"
        f" head {_options(frame.head.width for frame in frames)},"
        f" classes {_options(frame.classes for frame in frames)}"
    )
    yield found
    yield "params {:,} to {:,}".format(*space.range.params)
    yield "MACs   {:,} to {:,}".format(*space.range.macs)
    yield "activations {:,} to {:,}".format(*space.range.activations)
    profile = serving(space, here())
    if profile:
        low, high = Predictor(profile).range(space)
        yield f"step {low:.1f} to {high:.1f} ms on {profile.batch} images, by the profile made {profile.made}"


def show_network(architecture: Architecture) -> Iterator[RenderableType]:
    """The stage table of a network, our exact costs beside what fvcore counts on the built network."""
    counted = fvcore_counts(architecture)
    rows: list[dict[str, Any]] = []
    for part in parts(architecture):
        rows.append({**_row(part), **counted[part.name]})
    total = cost(architecture)
    rows.append({"name": "total", **_spent(total), **counted["total"]})
    agree = all(row["params"] == row["fvcore_params"] and row["macs"] == row["fvcore_macs"] for row in rows)
    yield str(architecture)
    yield f"resolution {architecture.resolution}, classes {architecture.classes}, digest {architecture.digest}"
    yield table(rows, (*_STAGES, *_FVCORE))
    yield (
        "plan and fvcore agree on every part: convolutions and classifier, a multiply-add counts 1"
        if agree
        else "plan and fvcore DISAGREE: please report this network"
    )


def show_trial(run: Run, trial: Trial) -> Iterator[RenderableType]:
    """A trial's reward with its terms, then its network."""
    origin = f" trial, {trial.origin}" if trial.origin else ""
    yield f"run {run.name}, trial {trial.number}: {trial.state}{origin}{trial.reason and ', ' + trial.reason}"
    for rung in trial.rungs:
        yield f"rung of {rung.result.epochs} epochs, seed of its own: {rung.terms}"
    if trial.terms and trial.result:
        result, reward = trial.result, run.config.reward
        yield str(trial.terms)
        top5 = f", top-5 accuracy {result.top5:.4f}" if result.top5 is not None else ""
        yield f"{result.epochs} epochs, {result.images:,} images in {result.seconds:.1f} s{top5}"
        if trial.final_terms:
            again = ", ".join(f"{accuracy:.4f}" for accuracy in trial.final_accuracies)
            yield f"again with fresh seeds: accuracy {again}; with their mean {trial.final_terms}"
        if trial.predicted:
            guessed = f", {trial.predicted.unmeasured:.0%} of it estimated" if trial.predicted.flagged else ""
            yield f"step predicted {trial.predicted.ms:.1f} ms, S/S0 {trial.step_ratio:.3f}{guessed}"
        if result.step_ms is not None:
            yield f"step measured {result.step_ms:.1f} ms, S/S0 {result.step_ratio:.3f}"
        memory = reward.spent("memory", trial.architecture)
        yield f"a training of the full network on {reward.batch} images at a time holds {memory:,} bytes or more"
    yield from show_network(trial.architecture)


def show_run(run: Run, top: int = 10) -> Iterator[RenderableType]:
    """What a run searched, how far it is, and its best networks."""
    config = run.config
    yield (
        f"{run.path}: space {config.space.name}, data {config.data.source}, sampler {config.sampler.sampler},"
        f" executor {config.executor.executor}"
    )
    states = [trial.state for trial in run.trials]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "none yet"
    limits = config.settings
    total = f" of {limits.trials} trials" if limits.trials else ""
    budget = f" of {clock(limits.budget)}" if limits.budget else ""
    yield f"{counted}{total}; {clock(run.seconds)}{budget} worked"
    if run.gate:
        yield str(run.gate)
    if run.ended:
        yield f"the search has ended: {run.ended}"
    if run.driver:
        yield f"being driven by {run.driver}{_pace(run)}"
        yield from (f"running {trial.number}: {trial.architecture}" for trial in run.running if top)
    elif not run.over:
        yield f"nobody drives it; go on with: {run.go_on}"
    if run.ranked[:top]:
        yield brief(run.ranked[:top])
        yield ""
        # On lines of their own: in a column of a narrow terminal each would fold into a dozen.
        yield from (f"{trial.number}: {trial.architecture}" for trial in run.ranked[:top])
        if config.reward.multi_objective:
            yield from _compromises(run, top)
        yield from conclusion(run)


def _compromises(run: Run, top: int) -> Iterator[RenderableType]:
    """The front of a search for one, and how it moved on."""
    found = on_front(run.trials)
    costs = ", ".join(run.config.reward.costs)
    yield f"front: {len(found)} trials that no other beats in accuracy, {costs} together"
    if top > 1:
        yield brief(found)
    moved = ", ".join(f"{volume:.3f} after {count}" for count, volume in growth(run.trials))
    yield f"hypervolume, of the box between the best and the worst seen: {moved} trials"


def show_classes(found: Report) -> RenderableType:
    """How many images of each class there are in each split."""
    counts = found.counts
    rows = [
        {"class": name, **{part: count[number] for part, count in counts.items()}}
        for number, name in enumerate(found.manifest.classes)
    ]
    columns = [Column("class", "Class"), *(Column(part, part.capitalize(), form=",d") for part in counts)]
    return table(rows, columns)


def _pace(run: Run) -> str:
    """How fast a run is, and how long it will take."""
    speed = f"; {run.rate * 3600:.0f} trials an hour" if run.rate else ""
    return speed + (f", about {clock(run.left)} left" if run.left is not None else "")


def fvcore_counts(architecture: Architecture) -> dict[str, dict[str, int]]:
    """fvcore's params and MACs (operators conv and linear) of each part of the built network, and in total."""
    import torch

    with warnings.catch_warnings():
        # fvcore compiles TorchScript, which torch has deprecated, when it is imported.
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis, parameter_count

        from space.network.network import build

        size = architecture.resolution
        try:
            network = build(architecture).eval()
            analysis = FlopCountAnalysis(network, torch.zeros(1, architecture.channels, size, size))
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
            macs, params = analysis.by_module_and_operator(), parameter_count(network)
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            raise UserError(
                f"A network of {cost(architecture).params:,} params is too large for this machine to build."
            ) from None
    modules = {"total": "", **{part.name: part.name for part in parts(architecture)}}
    return {
        name: {
            "fvcore_params": int(params[module]),
            "fvcore_macs": int(sum(macs[module].get(operator, 0) for operator in ("conv", "linear"))),
        }
        for name, module in modules.items()
    }


def _row(part: Part) -> dict[str, Any]:
    fields = ("op", "depth", "kernel", "stride", "expand", "se", "width")
    shown = {field: getattr(part.part, field, None) for field in fields}
    return {"name": part.name, **shown, "size": f"{part.size_in} -> {part.size}", **_spent(part.cost)}


def _spent(spent: Cost) -> dict[str, int]:
    return {"params": spent.params, "macs": spent.macs, "activations": spent.activations}


def _options(values: Any) -> str:
    distinct = list(dict.fromkeys(values))
    return " ".join(map(str, distinct if isinstance(distinct[0], str) else sorted(distinct)))
