"""What is a setting on a command line, and what is the name of a network."""

import pytest

from search.settings.words import is_setting
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
