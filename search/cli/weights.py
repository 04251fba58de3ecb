"""The command `search weights`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.terminal import UserPath, print_json

if TYPE_CHECKING:
    from space.weights import Weights

_EXAMPLES = """\b
search weights efficientnet_b0_rwightman-7f5810bc.pth
search weights tf_efficientnetv2_s.safetensors --classes 10 \\
    --out mine.safetensors
search weights b3.pth --network b3 --from timm --style plain \\
    --to torchvision --out b3.safetensors
search weights efficientnet-lite0.pth --model lite0
search predict lite0 photo.jpg

In Python, space.weights.rebuild(space.weights.load_weights(FILE)) returns the network.
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=UserPath())
@click.option(
    "--network",
    metavar="NAME",
    help="The network of the weights: b0, v2-s, ... or a canonical string (default: recognised if published).",
)
@click.option(
    "--from",
    "format",
    metavar="FORMAT",
    help="The library whose names the tensors in FILE have: ours, torchvision, timm or efficientnet_pytorch (default:"
    " recognised).",
)
@click.option(
    "--style",
    metavar="NAME",
    help="plain or tf, for timm, whose efficientnet_* and tf_efficientnet_* have equal names (default: as FILE says,"
    " else tf where timm has no plain ones (V2, b6 and larger, ...) or the path contains tf_efficientnet or"
    " tf_mobilenet, else plain).",
)
@click.option(
    "--normalisation",
    metavar="NAME",
    help="Normalisation of images: imagenet, inception (AdvProp's) or lite (default: as FILE says, else the usual one"
    " of the network).",
)
@click.option(
    "--classes", type=click.IntRange(1), help="Number of classes; if it changes, the classifier is a new one."
)
@click.option(
    "--channels", type=click.IntRange(1), help="Image channels; the stem is adapted as timm does it."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of a new classifier.")
@click.option(
    "--to",
    metavar="FORMAT",
    help="With --out: the library whose names to write, as for --from (default: ours).",
)
@click.option(
    "--out", type=UserPath(), metavar="FILE", help="The file to write, which ends with .safetensors."
)
@click.option(
    "--model",
    type=UserPath(),
    metavar="DIR",
    help="A folder to write, which search predict and search export-model read.",
)
@click.option(
    "--labels",
    type=UserPath(),
    metavar="FILE",
    help="With --model: a file with the name of a class on each line (default: ImageNet's for 1000 classes, where"
    " torchvision is installed, else numbers).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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

    Without options, prints the content of FILE; --out and --model write it in another form. FILE comes from
    torchvision, timm, EfficientNet-PyTorch or this project: .safetensors, or .pt, .pth, .bin, .tar, from which only
    tensors are read. The written files also describe the network and the normalisation of images.
    """
    from search.files import write_file
    from search.models.export import export
    from search.models.imported import model_of
    from space.refusal import UserError

    if out is None and to is not None:
        raise click.UsageError("--to needs --out FILE.safetensors.")
    if model is None and labels is not None:
        raise click.UsageError("--labels needs --model DIR.")
    if out is not None and out.suffix != ".safetensors":
        raise UserError(f"--out {out}: weights can only be written as FILE.safetensors.")
    from space.weights import adapt, load_weights, weight_format, weights_file

    weight_format(to or "ours")
    loaded = load_weights(file, network, format=format, style=style, normalisation=normalisation)
    adapted = adapt(loaded, classes=classes, channels=channels, seed=seed)
    content = weights_file(adapted, to or "ours") if out else b""
    fresh = adapted.architecture.classes != loaded.architecture.classes
    converted = model_of(adapted, labels, fresh=fresh) if model else None
    if as_json:
        print_json(_values(adapted))
    else:
        click.echo("\n".join(_lines(file, adapted)))
    if out:
        write_file(out, content)
        click.echo(f"wrote {out}, names: {to or 'ours'}{_misfit(adapted, to or 'ours')}", err=as_json)
    if model and converted:
        export(model.name, converted, model, forms=())
        click.echo(f"wrote {model}, classes: {', '.join(converted.classes[:3])}, ...", err=as_json)


def _values(weights: Weights) -> dict[str, Any]:
    from search.cli.json_values import network_values
    from search.tables.table import plain

    return {
        "names": weights.origin or "ours",
        "conventions": plain(asdict(weights.conventions)),
        "network": network_values(weights.architecture),
    }


def _lines(file: Path, weights: Weights) -> Iterator[str]:
    from space import cost
    from space.catalog import name_of

    architecture, conventions = weights.architecture, weights.conventions
    kinds = sorted({str(t.dtype).removeprefix("torch.") for t in weights.tensors.values() if t.ndim})
    mean, std = (
        " ".join(f"{number:.4g}" for number in numbers) for numbers in (conventions.mean, conventions.std)
    )
    yield f"{file}: {weights.origin or 'ours'}"
    yield f"network        {name_of(architecture) or 'not published'}, {architecture}"
    yield (
        f"parameters     {cost(architecture).params:,} ({', '.join(kinds)});"
        f" classes {architecture.classes}, image channels {architecture.channels}"
    )
    yield f"padding        {conventions.padding}"
    yield f"batch norm     eps {conventions.norm_eps:g}, momentum {conventions.norm_momentum:g}"
    yield f"normalisation  {conventions.normalisation or 'its own'}: mean {mean}, std {std}"


def _misfit(weights: Weights, to: str) -> str:
    """Return notes on the differences between this network and the one that the library `to` builds.

    Without differences, the result is the style, " (style tf)", if the library has several styles, else "".
    """
    from space.weights import weight_format

    ours, library = weights.conventions, weight_format(to)
    if to == "ours":
        return ""
    builds = {style: conventions(weights.architecture) for style, conventions in library.styles.items()}
    alike = [s for s, own in builds.items() if (own.padding, own.norm_eps) == (ours.padding, ours.norm_eps)]
    if alike:
        return f" (style {alike[0]})" if len(builds) > 1 else ""
    own, notes = next(iter(builds.values())), ""
    if own.norm_eps != ours.norm_eps:
        notes += (
            f"\nnote: {to} builds this network with batch norm eps {own.norm_eps:g}; set {ours.norm_eps:g}."
        )
    if own.padding != ours.padding:
        sizes = f"{weights.architecture.stride}n + 1"
        notes += (
            f"\nnote: {to} pads {own.padding}, not {ours.padding}: outputs are equal only on images of"
            f" {sizes} pixels."
        )
    return notes
