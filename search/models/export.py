"""The one writer of models for others: a folder with every form that a network can take.

export("flowers", model, Path("flowers"))
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from search.files import require_replaceable, write_folder
from search.models.forms import FORMS
from search.models.forms.card import CARD, card
from search.models.model import DOCUMENT, TENSORS, Model, model_files
from space import UserError
from space.refusal import unknown_name

_MEANINGS = {
    DOCUMENT: "what is said here, for programs",
    TENSORS: "the weights; its header has architecture and conventions too",
    "architecture.json": "the network as a document: `scale --base architecture.json`",
    "architecture.txt": "its canonical string",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: file names, and why forms are not among them (form -> reason)."""

    directory: Path
    files: tuple[str, ...]
    left_out: Mapping[str, str]


def export(
    name: str,
    model: Model,
    directory: Path,
    forms: Iterable[str] | None = None,
    required: Collection[str] = (),
) -> Exported:
    """Write `model` into the folder `directory`, in one step: none of the files is there before all are.

    model.json, and model.safetensors if it has weights; architecture.json, which `scale --base` reads, and
    architecture.txt, the canonical string; README.md, the model card; and the `forms`, keys of `FORMS`. None: all
    that can express the network, and what runs (ONNX, `torch.export`) only if it has weights; but those that are
    `required` must be among them. A folder that holds nothing but such files is replaced.
    Raises `UserError`, and writes nothing, for a form that is unknown, or was asked for and cannot be, and for a folder
    with other files.
    """
    asked = tuple(FORMS) if forms is None else tuple(forms)
    meanings = _MEANINGS | {form.file: form.meaning for form in FORMS.values()}
    known = (*meanings, CARD)
    require_replaceable(directory, known)
    made, left_out = _made(name, model, asked, required if forms is None else asked)
    contents = {**_always(model), **made}
    files = {file: _bytes(content) for file, content in contents.items()}
    text = card(name, model, files, meanings, left_out)
    write_folder(directory, {**files, CARD: text}, known)
    return Exported(directory, (*files, CARD), left_out)


def require_known(forms: Iterable[str]) -> None:
    """Raises `UserError` for the first that is no key of `FORMS`."""
    for form in forms:
        if form not in FORMS:
            raise unknown_name("form of a model", form, FORMS)


def _made(
    name: str, model: Model, forms: Collection[str], required: Collection[str]
) -> tuple[dict[str, str | bytes], dict[str, str]]:
    """Files by name, and what was left out, with the reason."""
    require_known(forms)
    made: dict[str, str | bytes] = {}
    left_out: dict[str, str] = {}
    for key in forms:
        form = FORMS[key]
        try:
            if form.runs and not model.weights.tensors:
                raise UserError("There are no weights.")
            made[form.file] = form.make(name, model)
        except UserError as error:
            if key in required:
                raise
            left_out[key] = str(error)
    return made, left_out


def _always(model: Model) -> dict[str, str | bytes]:
    network = model.architecture
    return {
        **model_files(model),
        "architecture.json": json.dumps(asdict(network), indent=1) + "\n",
        "architecture.txt": f"{network}\n",
    }


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
