"""The pages of `scale`."""

import json
import re

import pytest
from click.testing import CliRunner

from scaling import Design, fit
from scaling.cli.main import cli
from search.testing import looked_up
from space import cost, published

pytestmark = pytest.mark.usefixtures("at_home")

BASE = (
    "r16_i8_s1/fused_d1_k3_s1_e1_w16/fused_d2_k3_s2_e2_w24/mb_d2_k3_s1_e3_w32_se0.25"
    "/mb_d2_k5_s1_e3_w40/mb_d3_k3_s2_e3_w56_se0.25/mb_d1_k3_s1_e3_w80/h64_c10"
)


def data(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def page_of(tmp_path, *words):
    result = CliRunner().invoke(cli, [*words, "--report", "page.html"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "Wrote page.html" in result.stderr
    return (tmp_path / "page.html").read_text()


def test_the_page_of_a_family_has_a_table_curves_and_diagrams(tmp_path):
    page = page_of(tmp_path, "--family", "1..3", "--base", "b0", "--published")
    (explorer,) = data(page)["explorers"]
    assert explorer["values"]["name"][:3] == ["b0-compound-phi1", "b0-compound-phi2", "b0-compound-phi3"]
    assert set(explorer["values"]["kind"]) == {"compound", "published"}
    assert cost(published("b7").architecture).params in explorer["values"]["params"]
    assert {"params-macs", "macs-phi"} == set(data(page)["charts"])
    assert page.count('<figure class="network">') == 4
    assert "even where it equals a published network" in re.sub(r"\s+", " ", page)


@pytest.mark.parametrize(
    "words", [["--phi", "1"], ["--published"], ["--max-macs", "2e9", "--base", "v2-b0"], ["--phi", "-1"]]
)
def test_every_kind_of_table_has_a_page(tmp_path, words):
    assert data(page_of(tmp_path, *words))["explorers"]


def test_the_page_of_a_fit_has_the_plane_the_candidates_and_the_coefficients(tmp_path):
    settings = {
        "data.images": 100,
        "data.test_images": 20,
        "executor": "serial",
        "proxy.epochs": 1,
        "run": "f",
    }
    fitted = fit(BASE, settings, Design(step=0.1, seeds=2, compare=True), evaluate=looked_up)
    page = (fitted.path / "fit.html").read_text()
    (explorer,) = data(page)["explorers"]
    assert len(explorer["values"]["alpha"]) == len(fitted.plan.grid.candidates)
    drawn = data(page)["charts"]["plane"]["series"]
    assert sum(len(series["xs"]) for series in drawn) == len(fitted.plan.grid.candidates)
    assert "Compared with one dimension only" in page
    assert "tied:" in page


def test_curves_leave_out_images_that_are_too_small_without_padding(tmp_path):
    page = page_of(tmp_path, "--family", "-8,0", "--base", "r512_i16/inception_d2_s1_w16_b:3v:1/h0_c10")
    assert {"params-macs", "macs-phi"} == set(data(page)["charts"])
