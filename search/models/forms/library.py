"""The common part of the files for timm and torchvision: checks of block widths, and the loader of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from space import Architecture, Stage, UserError, plan
from space.conv import divisible

LOADING = '''

NAMES = {{
{names}}}
"""Modules in model.safetensors -> modules of {library}."""


def load(path="model.safetensors"):
    """Return the network with the weights in the file `path`, in evaluation mode."""
    from safetensors.torch import load_file

    tensors = {{}}
    for name, tensor in load_file(path).items():
        module, _, kind = name.rpartition(".")
        tensors[f"{{NAMES[module]}}.{{kind}}"] = tensor
    model = network()
    model.load_state_dict(tensors)
    return model.eval()
'''


@dataclass(frozen=True, slots=True)
class Inner:
    """The widths inside a block: of its input, its expansion and its squeeze-excitation (None without it)."""

    stage: Stage
    width_in: int
    hidden: int
    bottleneck: int | None


def inner(architecture: Architecture) -> Iterator[Inner]:
    """Yield the `Inner` widths of each block. All blocks of the network must be MBConv or Fused-MBConv."""
    for block in plan(architecture)[1:-1]:
        stage = architecture.stages[int(block.name.split(".")[1])]
        widths = {conv.name: conv.width for conv in block.convs}
        width_in = block.convs[0].width_in
        yield Inner(stage, width_in, widths.get("expand", width_in), widths.get("se_reduce"))


def require_expanded(library: str, block: Inner) -> None:
    """Raise `UserError` if the library, which rounds to multiples of 8, would expand the block to another width."""
    if block.stage.expand != 1 and block.hidden != (theirs := divisible(block.width_in * block.stage.expand)):
        raise UserError(f"{library} would expand {block.width_in} channels to {theirs}, not {block.hidden}.")


def require_squeezed(library: str, block: Inner, theirs: int) -> None:
    """Raise `UserError` if the squeeze-excitation does not have the width `theirs` that the library gives it."""
    if block.bottleneck is not None and block.bottleneck != theirs:
        raise UserError(
            f"{library} would squeeze {block.width_in} channels to {theirs}, not {block.bottleneck}."
        )


def loading(library: str, modules: dict[str, str]) -> str:
    """Return Python code that defines `NAMES` and the function `load`.

    library: the name of the library. modules: a mapping of our names of modules to the library's.
    """
    names = "".join(f'    "{ours}": "{theirs}",\n' for ours, theirs in modules.items())
    return LOADING.format(library=library, names=names)


def in_docstring(name: str) -> str:
    """Return `name` with quotation marks and backslashes replaced, which would break a docstring that contains it."""
    return name.replace("\\", "/").replace('"', "'")
