import pytest

from space.refusal import UserError, unknown_name


def test_the_nearest_match_is_named():
    refusal = unknown_name("sampler", "tqe", ["random", "tpe"])
    assert isinstance(refusal, ValueError)
    assert isinstance(refusal, UserError)
    assert str(refusal) == "Unknown sampler 'tqe'. Did you mean 'tpe'? Permitted: random, tpe."


def test_nothing_is_suggested_when_nothing_is_near():
    assert str(unknown_name("key", 7, ["depth"])) == "Unknown key '7'. Permitted: depth."


def test_of_many_names_the_nearest_are_told():
    many = [f"net{number}" for number in range(70)]
    told = str(unknown_name("network", "ned7", many, forms=["FILE.yaml"], listed="scale --published"))
    assert told.startswith("Unknown network 'ned7'. Did you mean 'net7'? 70 are permitted, such as net7, ")
    assert told.endswith(", FILE.yaml. See all: scale --published")
    assert told.count("net") == 7
    assert len(str(unknown_name("network", "", many))) < 100
    assert str(unknown_name("base", "x", ["b0"], forms=["FILE.yaml"])).endswith(" Permitted: b0, FILE.yaml.")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("recipe.lr", "recipe.learning_rate"),
        ("recipe.wd", "recipe.weight_decay"),
        ("recipe.epoch", "recipe.epochs"),
    ],
)
def test_an_abbreviation_is_understood_and_a_group_makes_nothing_similar(value, meant):
    names = ["recipe.crop", "recipe.learning_rate", "recipe.weight_decay", "recipe.epochs", "recipe.clip"]
    assert f"Did you mean {meant!r}?" in str(unknown_name("setting", value, names))
    assert "Did you mean" not in str(unknown_name("setting", "recipe.zz", names))
