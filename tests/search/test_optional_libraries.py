"""Libraries that are imported where they are used are not needed elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPTIONAL = (
    "ray fvcore matplotlib pyarrow tabulate sklearn onnx tensorboard IPython torchvision safetensors optuna"
)
PROGRAM = """
import sys
for name in sys.argv[1].split():
    sys.modules[name] = None  # Importing it raises ImportError.
from search import launch
from search.testing import looked_up
data = {"data.images": 400, "data.test_images": 20}
chosen = {"space": "tiny_space", "proxy": "tiny", "executor": "serial", "sampler": "evolution", "trials": 3}
run = launch(data, **chosen, display=None, evaluate=looked_up)
print(len(run.ranked), run.report().name, run.export(columns="number").split())
"""


@pytest.mark.slow
def test_a_search_its_page_and_its_export_need_few_libraries(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, OPTIONAL],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "3 report.html ['number', '0', '1', '2']"
