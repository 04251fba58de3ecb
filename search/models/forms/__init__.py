"""The forms in which a network can be exported, as files in the same folder as model.json and model.safetensors.

>>> from search.models.forms import FORMS
>>> sorted(FORMS)
['onnx', 'program', 'python', 'timm', 'torchvision']
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from search.models.forms import exported_program as program
from search.models.forms import onnx as onnx_file
from search.models.forms import standalone as python_file
from search.models.forms import timm as timm_file
from search.models.forms import torchvision as torchvision_file
from space.extension_points import Registry

__all__ = ["FORMS", "Form"]


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file in which a network can be written.

    file: the name of the file. make: the function of (name, model, options such as `opset`) that returns the content,
    and raises `UserError` for a network that this form cannot express. runs: True if the file contains the weights,
    so that the model must have some. meaning: the description in the model card.
    """

    file: str
    make: Callable[..., str | bytes]
    meaning: str
    runs: bool = False


FORMS: Registry[Form] = Registry(
    "compound_nas.model_forms",
    {
        "python": Form(
            "network.py", python_file.python_file, "the network in one file that needs torch alone"
        ),
        "timm": Form(
            "timm_network.py", timm_file.timm_file, "timm's `arch_def`, with a loader of the weights"
        ),
        "torchvision": Form(
            "torchvision_network.py",
            torchvision_file.torchvision_file,
            "torchvision's `inverted_residual_setting`, with a loader of the weights",
        ),
        "onnx": Form("network.onnx", onnx_file.onnx_file, "ONNX, for batches of any size", runs=True),
        "program": Form(
            "network.pt2", program.program, "a program of `torch.export`, for batches of any size", runs=True
        ),
    },
)
"""The forms by name, from the fastest to write to the slowest. Other packages add forms by an entry point."""
