"""The command `search dilate`."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.terminal import UserPath

_EXAMPLES = """\b
search train r32_i16_s1/mb_d2_k7_s2_e4_w32/mb_d2_k7_s2_e4_w64/h256_c10 \\
    data=npz data.path=FILE out=large
search dilate large --out dilated
search train dilated weights=dilated data=npz data.path=FILE
"""


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=UserPath())
@click.option("--out", type=UserPath(), required=True, metavar="DIR", help="The folder to write.")
def dilate(model: Path, out: Path) -> None:
    """Replace large kernels of a MODEL by dilated ones.

    In blocks "mb" and "fused" that expand, each output channel of a kernel of 5 x 5 or more gets the dilated 3 x 3
    kernel that keeps most of its weights (EDO, Liu et al. 2021, arXiv:2012.13587). Params and MACs are then those of
    undilated 3 x 3 kernels. Nothing is trained, so the accuracy drops; the last line of the output is the command
    that trains the new network.
    """
    import shlex
    from dataclasses import replace

    from search.data.dataset import words
    from search.models.model import load_model, save_model
    from search.tables.units import si
    from search.training.networks import network_of_model
    from space import UserError, cost
    from space.network.edo import edo
    from space.weights import rebuild

    if out.exists():
        raise UserError(f"{out} exists; choose another --out DIR.")
    large, known = load_model(model), network_of_model(model)
    network, tensors = edo(rebuild(large.weights))
    if cost(network) == cost(large.architecture):  # Every smaller kernel lowers the cost.
        raise UserError(f"{model} has no kernel of 5 x 5 or more in a block mb or fused that expands.")
    origin = large.provenance.model_copy(update={"origin": f"dilated: {large.architecture}"})
    weights = replace(large.weights, architecture=network, tensors=tensors)
    save_model(replace(large, weights=weights, metrics=(), provenance=origin), out)
    for name, architecture in ((str(model), large.architecture), (str(out), network)):
        click.echo(f"{name}: {si(cost(architecture).params)} params, {si(cost(architecture).macs)} MACs")
    data = words(known.source) if known.source else known.missing.split()
    click.echo(f"{network}\n\nNext: {shlex.join(['search', 'train', str(out), f'weights={out}', *data])}")
