"""The command `search export-model`: a network as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli import completers
from search.cli.terminal import UserPath, print_all

if TYPE_CHECKING:
    from search.evaluation.int8 import Int8
    from search.models.model import Model

_EXAMPLES = """\b
search export-model RUN --out DIR              the best network of a run, with
                                               fresh weights
search export-model TRAINED --out DIR          a trained model
search export-model v2-s --out DIR             a published network, with fresh
                                               weights
search export-model TRAINED --out DIR --int8   also in int8, calibrated on the
                                               images of its training
search export-model TRAINED --out DIR --int8 PHOTOS      calibrated on PHOTOS
"""


@click.command(name="export-model", epilog=_EXAMPLES)
@click.argument("model", metavar="MODEL", shell_complete=completers.networks)
@click.argument("data", nargs=-1, metavar="[DATA | KEY=VALUE...]", shell_complete=completers.images)
@click.option(
    "--out",
    type=UserPath(),
    required=True,
    metavar="DIR",
    help="The folder to write; one that search export-model has written is replaced.",
)
@click.option(
    "--forms",
    metavar="NAME,...",
    help="Only these files: python, onnx, program (torch.export), timm, torchvision.",
)
@click.option(
    "--int8",
    is_flag=True,
    help="Add network.int8.onnx, quantised by onnxruntime, with its accuracy, bytes and latency.",
)
@click.option(
    "--float32",
    metavar="NAME,...",
    help="With --int8: layers that stay in float32: first, classifier.",
)
@click.option(
    "--opset", type=click.IntRange(7), metavar="N", help="The opset of the ONNX file (default: torch's)."
)
def export_model(
    model: str,
    data: tuple[str, ...],
    out: Path,
    forms: str | None,
    int8: bool,
    float32: str | None,
    opset: int | None,
) -> None:
    """Write a network as Python, ONNX or torch.export.

    MODEL is a run (its best network), a trial (RUN:12), the folder of a model, a published network or a canonical
    string. Files that cannot express the network are left out, and the reason is printed. DIR becomes a model
    itself, which search predict, search train and scale read. DATA (with --int8) is as for search evaluate.
    """
    from search.evaluation.int8 import lines, report
    from search.models.export import INT8, export, require_known
    from search.training.named_models import named_model

    if not int8 and (data or float32):
        raise click.UsageError(f"{'--float32' if float32 else data[0]} needs --int8.")
    chosen = forms.split(",") if forms else None
    require_known(chosen or ())
    name, content = named_model(model)
    small = _in_int8(model, name, content, data, float32, opset) if int8 else None
    added = {"network.onnx": small.float32, INT8: small.quantized.content} if small else {}
    sections = {"int8": report(small)} if small else {}
    written = export(name, content, out, chosen, opset=opset, added=added, sections=sections)
    if small:
        print_all(lines(small))
    click.echo(f"wrote {out}: {', '.join(written.files)}")
    for form, reason in written.left_out.items():
        click.echo(f"not written: {form}. {reason}", err=True)
    if not content.trained:
        click.echo("note: the network is not trained, as its README.md says.", err=True)


def _in_int8(
    word: str, name: str, model: Model, data: tuple[str, ...], ends: str | None, opset: int | None
) -> Int8:
    from search.cli.evaluate import data_of
    from search.evaluation.evaluate import images_of
    from search.evaluation.int8 import in_int8
    from search.models.onnx_reading import require_packages
    from search.training.networks import network_to_train

    require_packages("--int8")
    source = images_of(network_to_train(word), data_of(data))
    kept = ends.split(",") if ends else ()
    return in_int8(
        name, model, source, ends=kept, opset=opset, progress=lambda step: click.echo(f"{step} ...", err=True)
    )
