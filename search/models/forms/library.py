"""What the files for timm and torchvision share: the blocks they must build, and how our weights get in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from space import Architecture, Stage, UserError, plan
from space.conv import divisible

LOADING = '''

NAMES = {{
{names}}}
"""Modules of model.safetensors -> {library}'s."""


def load(path="model.safetensors"):
    """The network with the weights of that file, in evaluation mode."""
    from safetensors.torch import load_file

    tensors = {{}}
    for name, tensor in load_file(path).items():
        module, _, kind = name.rpartition(".")
        tensors[f"{{NAMES[module]}}.{{kind}}"] = tensor
    made = network()
    made.load_state_dict(tensors)
    return made.eval()
'''


@dataclass(frozen=True, slots=True)
class Inner:
    """The widths inside of one block: channels it reads, expanded ones, and of its squeeze-excitation (or None)."""

    stage: Stage
    width_in: int
    hidden: int
    bottleneck: int | None


def inner(architecture: Architecture) -> Iterator[Inner]:
    """Of each block of a network of MBConv and Fused-MBConv, the inner widths as they are planned."""
    for block in plan(architecture)[1:-1]:
        stage = architecture.stages[int(block.name.split(".")[1])]
        widths = {conv.name: conv.width for conv in block.convs}
        width_in = block.convs[0].width_in
        yield Inner(stage, width_in, widths.get("expand", width_in), widths.get("se_reduce"))


def require_expanded(library: str, block: Inner) -> None:
    """Raises `UserError` where libraries would expand to another width: they round it to a multiple of 8."""
    if block.stage.expand != 1 and block.hidden != (theirs := divisible(block.width_in * block.stage.expand)):
        raise UserError(f"{library} would expand {block.width_in} channels to {theirs}, not {block.hidden}.")


def require_squeezed(library: str, block: Inner, theirs: int) -> None:
    """Raises `UserError` where squeeze-excitation has another width than `theirs`."""
    if block.bottleneck is not None and block.bottleneck != theirs:
        raise UserError(
            f"{library} would squeeze {block.width_in} channels to {theirs}, not {block.bottleneck}."
        )


def loading(library: str, modules: dict[str, str]) -> str:
    """The end of the file: our names in theirs, and `load`. modules: as `WeightFormat.modules` has them."""
    names = "".join(f'    "{ours}": "{theirs}",\n' for ours, theirs in modules.items())
    return LOADING.format(library=library, names=names)


def in_docstring(name: str) -> str:
    """`name`, which may be anything, as a docstring can hold it."""
    return name.replace("\\", "/").replace('"', "'")
