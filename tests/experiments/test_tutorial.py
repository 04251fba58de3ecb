"""The notebook of the introduction runs from top to bottom.

`python tests/experiments/test_tutorial.py` executes it again and writes its outputs, without times.
"""

import os
import re
import tempfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "experiments/tutorial.ipynb"


def executed(folder):
    """The notebook after its execution in `folder`, with the packages of this checkout."""
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, 4)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder)}
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=200, record_timing=False, resources=resources)
    return client.execute(env=environment)


def kinds(notebook):
    """The types of the data that each cell shows."""
    return [
        [sorted(output.get("data", {output.output_type: ""})) for output in cell.get("outputs", ())]
        for cell in notebook.cells
    ]


@pytest.mark.slow
def test_it_runs_and_shows_what_it_showed(tmp_path):
    assert kinds(executed(tmp_path)) == kinds(nbformat.read(NOTEBOOK, 4))


def test_its_outputs_have_figures_and_labels_but_no_times_and_no_paths_of_a_machine():
    notebook = nbformat.read(NOTEBOOK, 4)
    assert sum("image/png" in kind for cell in kinds(notebook) for kind in cell) == 3
    assert all("execution" not in cell.metadata for cell in notebook.cells)
    shown = "".join(
        str(output.get("data", {}).get(kind, "")) + output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        for kind in ("text/plain", "text/html")
    )
    assert "three" in shown
    assert re.search(r"\d:\d\d|\d s\b|/tmp/|/home/|/root/", shown) is None


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        nbformat.write(executed(Path(name)), NOTEBOOK)
