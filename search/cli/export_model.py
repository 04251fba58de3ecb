"""`search export-model`: a network as files for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli import completers
from search.cli.terminal import UserPath

_EXAMPLES = """\b
search export-model RUN --out DIR         the best network of a search, with fresh weights; RUN:12: trial 12
search export-model TRAINED --out DIR     the folder of a trained model, with its weights
search export-model v2-s --out DIR        a published network, with fresh weights
"""


@click.command(name="export-model", epilog=_EXAMPLES)
@click.argument("model", metavar="MODEL", shell_complete=completers.networks)
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
    help="Only these forms of it: python, onnx, program, timm, torchvision.",
)
@click.option("--opset", type=click.IntRange(7), metavar="N", help="The opset of the ONNX file.")
def export_model(model: str, out: Path, forms: str | None, opset: int | None) -> None:
    """Write a network as Python, ONNX or torch.export.

    MODEL is a run (its best network), a trial (RUN:12), the folder of a model, a published network or a canonical
    string. Forms that cannot express the network are left out, with the reason. The folder is itself a model, which
    search predict, search train and scale read.
    """
    from search.models.export import export, require_known
    from search.training.named_models import named_model

    chosen = forms.split(",") if forms else None
    require_known(chosen or ())
    name, content = named_model(model)
    written = export(name, content, out, chosen, opset=opset)
    click.echo(f"wrote {out}: {', '.join(written.files)}")
    for form, reason in written.left_out.items():
        click.echo(f"not written: {form}. {reason}", err=True)
    if not content.trained:
        click.echo("note: the network is not trained, as its README.md says.", err=True)
