"""`search weights`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.terminal import print_json

if TYPE_CHECKING:
    from space.weights import Weights

_EXAMPLES = """\b
search weights efficientnet_b0_rwightman-7f5810bc.pth
search weights tf_efficientnetv2_s.safetensors --classes 10 --out mine.safetensors
search weights b3.pth --network b3 --from timm --style plain --to torchvision --out b3.safetensors
search weights efficientnet-lite0.pth --model lite0 && search predict lite0 photo.jpg

From Python: space.weights.rebuild(space.weights.load_weights(FILE)) is the network.
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--network",
    metavar="NAME",
    help="The network they are of: b0, v2-s, ... or a canonical string. Else a published one is recognised.",
)
@click.option(
    "--from",
    "format",
    metavar="FORMAT",
    help="Whose names: ours, torchvision, timm or efficientnet_pytorch. Else recognised.",
)
@click.option(
    "--style",
    metavar="NAME",
    help="plain or tf, for timm: names do not tell its efficientnet_* from its tf_efficientnet_*. Else tf where"
    " timm has no others (V2, b6 and larger) or the path says tf_efficientnet, and plain elsewhere.",
)
@click.option(
    "--normalisation",
    metavar="NAME",
    help="Of images: imagenet, inception (AdvProp's) or lite. Else that of the network's default weights.",
)
@click.option("--classes", type=click.IntRange(1), help="Another number gets a fresh classifier.")
@click.option("--channels", type=click.IntRange(1), help="Of images; the stem is adapted as timm does it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of a fresh classifier.")
@click.option("--to", metavar="FORMAT", help="Whose names to write (as for --from).  [default: ours]")
@click.option("--out", type=click.Path(path_type=Path), help="FILE.safetensors to write, in one step.")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder to write, which search predict and search export read.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --model: a name of a class on each line. Else ImageNet's for 1000 classes, where torchvision is"
    " installed, and numbers otherwise.",
)
@click.option("--json", "as_json", is_flag=True, help="What they are, as JSON.")
def weights(
    file: Path,
    network: str | None,
    format: str | None,
    style: str | None,
    normalisation: str | None,
    classes: int | None,
    channels: int | None,
    seed: int,
    to: str | None,
    out: Path | None,
    model: Path | None,
    labels: Path | None,
    as_json: bool,
) -> None:
    """Show or convert trained weights.

    Tells what is in FILE; --out and --model write it anew. FILE is of torchvision, timm, EfficientNet-PyTorch or
    ours: .safetensors, or .pt, .pth, .bin, .tar, which are read as tensors only. What is written says by itself how
    to build its network and to normalise its images.
    """
    from search.files import write_file
    from search.models.export import export
    from search.models.imported import model_of
    from space.refusal import UserError

    if out is None and to is not None:
        raise click.UsageError("--to says what to write, and so needs --out FILE.safetensors.")
    if model is None and labels is not None:
        raise click.UsageError("--labels names the classes of a model, and so needs --model DIR.")
    if out is not None and out.suffix != ".safetensors":
        raise UserError(f"--out {out}: weights are written as FILE.safetensors alone.")
    from space.weights import adapt, load_weights, weight_format, weights_file

    weight_format(to or "ours")
    loaded = load_weights(file, network, format=format, style=style, normalisation=normalisation)
    adapted = adapt(loaded, classes=classes, channels=channels, seed=seed)
    content = weights_file(adapted, to or "ours") if out else b""
    fresh = adapted.architecture.classes != loaded.architecture.classes
    made = model_of(adapted, labels, fresh=fresh) if model else None
    if as_json:
        print_json(_values(adapted))
    else:
        click.echo("\n".join(_described(file, adapted)))
    if out:
        write_file(out, content)
        click.echo(f"wrote {out}, names: {to or 'ours'}{_misfit(adapted, to or 'ours')}", err=as_json)
    if model and made:
        export(model.name, made, model, forms=())
        click.echo(f"wrote {model}, classes: {', '.join(made.classes[:3])}, ...", err=as_json)


def _values(weights: Weights) -> dict[str, Any]:
    from search.cli.json_values import network_values
    from search.tables.table import plain

    told = plain(asdict(weights.conventions))
    return {
        "names": weights.origin or "ours",
        "conventions": told,
        "network": network_values(weights.architecture),
    }


def _described(file: Path, weights: Weights) -> Iterator[str]:
    from space import cost
    from space.catalog import name_of

    architecture, told = weights.architecture, weights.conventions
    kinds = sorted({str(t.dtype).removeprefix("torch.") for t in weights.tensors.values() if t.ndim})
    mean, std = (" ".join(f"{number:.4g}" for number in numbers) for numbers in (told.mean, told.std))
    yield f"{file}: {weights.origin or 'ours'}"
    yield f"network        {name_of(architecture) or 'not published'}, {architecture}"
    yield (
        f"parameters     {cost(architecture).params:,} ({', '.join(kinds)});"
        f" classes {architecture.classes}, image channels {architecture.channels}"
    )
    yield f"padding        {told.padding}"
    yield f"batch norm     eps {told.norm_eps:g}, momentum {told.norm_momentum:g}"
    yield f"normalisation  {told.normalisation or 'its own'}: mean {mean}, std {std}"


def _misfit(weights: Weights, to: str) -> str:
    """What to mind about networks that the other library builds itself; "" if it builds this one alike."""
    from space.weights import weight_format

    told, known = weights.conventions, weight_format(to)
    if to == "ours":
        return ""
    builds = {style: conventions(weights.architecture) for style, conventions in known.styles.items()}
    alike = [s for s, own in builds.items() if (own.padding, own.norm_eps) == (told.padding, told.norm_eps)]
    if alike:
        return f" (style {alike[0]})" if len(builds) > 1 else ""
    own, mind = next(iter(builds.values())), ""
    if own.norm_eps != told.norm_eps:
        mind += f"\nmind: {to} builds it with batch norm eps {own.norm_eps:g}; set {told.norm_eps:g}."
    if own.padding != told.padding:
        sizes = f"{weights.architecture.stride}n + 1"
        mind += f"\nmind: {to} pads {own.padding}, not {told.padding}: the same on images of {sizes} pixels alone."
    return mind
