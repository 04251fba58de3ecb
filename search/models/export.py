"""The export of a model: a folder with every form in which a network can be written.

export("flowers", model, Path("flowers"))
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from search.files import require_replaceable, write_folder
from search.models.forms import FORMS
from search.models.forms.card import CARD, card
from search.models.model import DOCUMENT, TENSORS, Model, model_files
from space import UserError
from space.refusal import unknown_name

INT8 = "network.int8.onnx"
ADDED = {INT8: "ONNX in int8, for batches of any size; the section int8 compares it with float32"}
"""The files that callers of `export` make, with their descriptions in the model card."""
_MEANINGS = {
    **ADDED,
    DOCUMENT: "the contents of this page, for programs",
    TENSORS: "the weights; its header has architecture and conventions too",
    "architecture.json": "the network as a document: `scale --base architecture.json`",
    "architecture.txt": "the canonical string of the network",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export: the names of the files, and the reason for each form that was left out."""

    directory: Path
    files: tuple[str, ...]
    left_out: Mapping[str, str]


def export(
    name: str,
    model: Model,
    directory: Path,
    forms: Iterable[str] | None = None,
    required: Collection[str] = (),
    opset: int | None = None,
    *,
    added: Mapping[str, bytes] | None = None,
    sections: Mapping[str, Sequence[str]] | None = None,
) -> Exported:
    """Write `model` into the folder `directory` in one step, so that all files appear at once.

    The files are model.json; model.safetensors if the model has weights; architecture.json, which `scale --base`
    reads; architecture.txt, the canonical string; README.md, the model card; and the `forms`.
    name: the name of the model in these files. forms: keys of `FORMS`, each of which must be able to express the
    network; None: all forms that can. Forms that compute (ONNX, `torch.export`) need weights. required: forms that
    must not be left out if `forms` is None. opset: the opset of the ONNX file; None: the exporter's default. added:
    the contents of further files by name: files of `ADDED`, and forms that the caller has already made. sections: the
    lines of further sections of the card by title. A folder that holds only files of an export is replaced. Raises
    `UserError`, and writes nothing, for a form that is unknown or impossible, and for a folder with other files.
    """
    requested = tuple(FORMS) if forms is None else tuple(forms)
    meanings = _MEANINGS | {form.file: form.meaning for form in FORMS.values()}
    known, added = (*meanings, CARD), added or {}
    require_replaceable(directory, known)
    open_forms = tuple(form for form in requested if form not in FORMS or FORMS[form].file not in added)
    form_files, left_out = _written_forms(
        name, model, open_forms, required if forms is None else requested, opset
    )
    contents = {**_always(model), **form_files, **added}
    files = {file: _bytes(content) for file, content in contents.items()}
    text = card(name, model, files, meanings, left_out, sections or {})
    write_folder(directory, {**files, CARD: text}, known)
    return Exported(directory, (*files, CARD), left_out)


def require_known(forms: Iterable[str]) -> None:
    """Raise `UserError` for the first name that is not a key of `FORMS`."""
    for form in forms:
        if form not in FORMS:
            raise unknown_name("form of a model", form, FORMS)


def _written_forms(
    name: str, model: Model, forms: Collection[str], required: Collection[str], opset: int | None
) -> tuple[dict[str, str | bytes], dict[str, str]]:
    """Return two mappings: from file names to the contents of forms, and from omitted forms to the reasons."""
    require_known(forms)
    files: dict[str, str | bytes] = {}
    left_out: dict[str, str] = {}
    for key in forms:
        form = FORMS[key]
        try:
            if form.runs and not model.weights.tensors:
                raise UserError("This form needs weights, which the network does not have.")
            files[form.file] = form.make(name, model, **({"opset": opset} if key == "onnx" and opset else {}))
        except UserError as error:
            if key in required:
                raise
            left_out[key] = str(error)
    return files, left_out


def _always(model: Model) -> dict[str, str | bytes]:
    network = model.architecture
    return {
        **model_files(model),
        "architecture.json": json.dumps(asdict(network), indent=1) + "\n",
        "architecture.txt": f"{network}\n",
    }


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
