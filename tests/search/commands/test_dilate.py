import pytest
from click.testing import CliRunner

from search.commands.dilate import dilate
from search.full.what import find
from search.model_file import load_model, save_model
from search.model_naming import untrained
from space import Refused, cost, decode

LARGE = "r24_i8_s1/mb_d2_k{0}_s2_e4_w12_se0.25/fused_d1_k{0}_s1_e2_w12/h16_c3"


@pytest.fixture
def large(tmp_path):
    return save_model(untrained(decode(LARGE.format(5))), tmp_path / "large")


def run(*words):
    return CliRunner().invoke(dilate, list(map(str, words)), catch_exceptions=False)


def test_a_model_of_dilated_kernels_is_written(large, tmp_path):
    out = tmp_path / "dilated"
    result = run(large, "--out", out)
    made = load_model(out)
    assert all(stage.kernel == 3 and stage.dilations for stage in made.architecture.stages)
    assert cost(made.architecture) == cost(decode(LARGE.format(3)))
    assert made.provenance.origin == f"dilated: {load_model(large).architecture}"
    assert str(made.architecture) in result.output
    assert f"search train {out} weights={out}" in result.output
    assert find(str(out)).architecture == made.architecture


def test_what_cannot_be_dilated_is_refused(large, tmp_path):
    with pytest.raises(Refused, match="exists; choose another"):
        run(large, "--out", large)
    small = save_model(untrained(decode(LARGE.format(3))), tmp_path / "small")
    with pytest.raises(Refused, match="has no kernel of 5 x 5 or more"):
        run(small, "--out", tmp_path / "dilated")
    assert not (tmp_path / "dilated").exists()
