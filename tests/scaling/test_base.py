import json
from dataclasses import asdict, replace

import pytest

from scaling import resolve
from space import CATALOG, UserError, decode, published

TINY = decode("r32_i16_k5_s1_x1_relu/mb_d2_k3_s2_e6_w24_se0.25/fused_d2_k3_s1_e1.5_w40_hardswish/h640_c10")
DOCUMENT = """
resolution: 32
stem: {width: 16, stride: 1}
stages:
  - {op: mb, depth: 2, kernel: 3, stride: 2, expand: 6, width: 24, se: 0.25}
  - {op: fused, depth: 1, kernel: 5, stride: 1, expand: 4, width: 40}
head: {width: 640}
classes: 10
"""


@pytest.mark.parametrize("name", CATALOG)
def test_a_catalog_name(name):
    assert resolve(name).architecture == published(name).architecture
    assert resolve(name).name == name


def test_a_published_name_takes_precedence_over_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b0").write_text(DOCUMENT)
    assert resolve("b0").architecture == published("b0").architecture


def test_a_canonical_string():
    base = resolve(str(TINY))
    assert base.architecture == TINY
    assert base.name == TINY.digest[:8]


def test_a_yaml_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(DOCUMENT)
    base = resolve(str(path))
    assert base.name == "mine"
    assert str(base.architecture) == ("r32_i16_s1/mb_d2_k3_s2_e6_w24_se0.25/fused_d1_k5_s1_e4_w40/h640_c10")


@pytest.mark.parametrize("architecture", [TINY, published("v2-s").architecture])
def test_a_json_file_as_save_writes_it(tmp_path, architecture):
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(asdict(architecture)))
    assert resolve(str(path)).architecture == architecture


def test_an_architecture_is_named_after_what_it_is():
    assert resolve(published("v2-s").architecture).name == "v2-s"
    assert resolve(replace(TINY, resolution=48)).name != resolve(TINY).name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b9", r"^Unknown base 'b9'\. Did you mean 'b"),
        ("", r"^Unknown base ''"),
        ("no/such/place", r"^Unknown base 'no/such/place'"),
        ("absent.yaml", r"^Cannot read absent\.yaml: No such file or directory\.$"),
        ("r32_i16/mb_d2_k4_s2_e6_w24/h640_c10", r"^'mb_d2_k4_s2_e6_w24': kernel is 4"),
        ("r32_i16/mv_d2_k3_s2_e6_w24/h640_c10", r"Unknown op .*Did you mean 'mb"),
    ],
)
def test_other_words_are_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        resolve(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("depth: 2", "depth: [1, 2]"),
            r"is a search space with 1 open choices, such as stages\.0\.depth",
        ),
        (("width: 640", "wdth: 640"), r"Unknown key in head: 'wdth'. Did you mean 'width'"),
        (("kernel: 3, ", ""), r"kernel"),
        (("classes: 10", ""), r"lacks classes"),
        (("stages:", "stages: ["), r"mine\.yaml, line"),
        ((DOCUMENT, "just words"), r"mine\.yaml"),
    ],
)
def test_a_file_that_describes_no_network_is_refused_by_name(tmp_path, change, message):
    path = tmp_path / "mine.yaml"
    path.write_text(DOCUMENT.replace(*change))
    with pytest.raises(UserError, match=message) as refusal:
        resolve(str(path))
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
