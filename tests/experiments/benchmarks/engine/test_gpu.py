import json
import subprocess
import sys

import pytest

from experiments.benchmarks.engine.gpu import ROOT, SECTIONS, table


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_rehearsal_without_a_gpu_fills_every_section(tmp_path):
    words = ["--device", "cpu", "--tiny", "--minutes", "14", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.benchmarks.engine.gpu", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert list(found) == list(SECTIONS)
    assert {name: section["failed"] for name, section in found.items() if "failed" in section} == {}
    assert found["search_shapes"]["states"] == {"complete": 2}
    assert len(found["steps"]["rows"]) == 4
    assert (tmp_path / "gpu.md").read_text() == table(found)


def test_a_section_that_fails_is_recorded(tmp_path):
    assert "## broken" in table({"broken": {"failed": "Traceback\nValueError", "rows": [{"a": 1.0}]}})
