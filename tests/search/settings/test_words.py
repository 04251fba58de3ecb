"""What is a setting on a command line, and what is the name of a network."""

import pytest

from search.settings.words import is_setting, parse
from space import decode

RESIDUAL = "r16_i8_s1/inception_d1_s1_w16_b:1+1>3:2=4*0.17/h16_c4"


@pytest.mark.parametrize("word", ["space=effv2", "space=./mine.yaml", f"first={RESIDUAL}", "a=b=c", "=3"])
def test_settings(word):
    assert is_setting(word)


@pytest.mark.parametrize("word", [RESIDUAL, "b0", "RUN:12", "models/a=b", "./mine.yaml"])
def test_names(word):
    assert not is_setting(word)


def test_the_strings_of_residual_inception_networks_have_an_equals_sign():
    assert "=" in str(decode(RESIDUAL))


@pytest.mark.parametrize("name", ["2026_11_28", "1.10", "0", "1e3", "true", "[1]"])
@pytest.mark.parametrize("key", ["run", "out", "weights", "data.path", "data.cache"])
def test_names_that_look_like_numbers_stay_names(key, name):
    assert parse([f"{key}={name}"]) == {key: name}


def test_other_values_are_numbers_and_null_is_none():
    assert parse(["seed=1", "recipe.ema=1.10", "out=null"]) == {"seed": 1, "recipe.ema": 1.1, "out": None}
