"""Networks that timm's and torchvision's EfficientNet can build, and functions that try their files."""

from typing import Any

import torch
from hypothesis import strategies as st
from safetensors.torch import save_file

from search.models.model import Model
from space import Architecture, Head, Stage, Stem
from space.weights import rebuild

WIDTHS = st.sampled_from([8, 16, 24])


@st.composite
def members(
    draw: st.DrawFn, acts: tuple[str, ...], squeezes: dict[str, tuple[float, ...]], **rest: Any
) -> Architecture:
    """Draw networks of MBConv and Fused-MBConv whose stem and head share an activation.

    squeezes: op -> the ratios of squeeze-excitation. rest: strategies for other fields of a stage.
    """
    act = draw(st.sampled_from(acts))

    def stage(op: str) -> st.SearchStrategy[Stage]:
        return st.builds(
            Stage,
            op=st.just(op),
            depth=st.integers(1, 2),
            kernel=st.sampled_from([1, 3, 5]),
            stride=st.sampled_from([1, 2]),
            expand=st.sampled_from([1, 2, 6]),
            width=WIDTHS,
            se=st.sampled_from(squeezes[op]),
            act=st.sampled_from(acts),
            **rest,
        )

    return draw(
        st.builds(
            Architecture,
            resolution=st.integers(8, 40),
            stem=st.builds(
                Stem,
                width=WIDTHS,
                kernel=st.sampled_from([1, 3, 5]),
                stride=st.sampled_from([1, 2]),
                act=st.just(act),
            ),
            stages=st.lists(st.one_of(*map(stage, squeezes)), min_size=1, max_size=4).map(tuple),
            head=st.builds(Head, width=st.integers(1, 40), act=st.just(act)),
            classes=st.integers(1, 9),
            channels=st.integers(1, 4),
        )
    )


def loaded(text: str, model: Model, folder: Any) -> torch.nn.Module:
    """Return the network that a file with this `text` loads from the weights of `model`."""
    path = folder / "model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in model.weights.tensors.items()}, path)
    namespace: dict[str, Any] = {}
    exec(compile(text, "network", "exec"), namespace)
    return namespace["load"](path)


def logits(model: Model, theirs: torch.nn.Module, pixels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits of our network and of theirs for the same two images."""
    images = torch.randn(2, model.architecture.channels, pixels, pixels)
    with torch.no_grad():
        return rebuild(model.weights).eval()(images), theirs(images)
