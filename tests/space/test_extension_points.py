from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from space import UserError, extension_points
from space.extension_points import Registry


@pytest.fixture
def colours(monkeypatch):
    """A registry of one colour of ours, to which packages add `red`, another `blue`, `broken` and `absent`."""
    offered = [
        EntryPoint("red", "colorsys:ONE_THIRD", "compound_nas.colours"),
        EntryPoint("blue", "colorsys:ONE_SIXTH", "compound_nas.colours"),
        EntryPoint("broken", "colorsys:NOTHING", "compound_nas.colours"),
        EntryPoint("absent", "no_such_package:X", "compound_nas.colours"),
    ]
    monkeypatch.setattr(extension_points, "installed", lambda path: EntryPoints(offered))
    return Registry("compound_nas.colours", {"blue": 0.5})


def test_names_of_packages_follow_ours_and_import_nothing(colours):
    assert list(colours) == list(colours.keys()) == ["blue", "absent", "broken", "red"]
    assert len(colours) == 4
    assert "red" in colours
    assert "green" not in colours
    assert repr(colours) == "Registry('compound_nas.colours', ['blue', 'absent', 'broken', 'red'])"
    assert colours._loaded == {}


def test_packages_are_imported_when_an_entry_is_read_and_cannot_replace_ours(colours):
    assert colours["blue"] == 0.5
    assert colours["red"] == 1 / 3
    assert list(colours) == ["blue", "absent", "broken", "red"]


def test_it_is_a_complete_mapping(monkeypatch):
    entries = [EntryPoint("red", "colorsys:ONE_THIRD", "compound_nas.colours")]
    monkeypatch.setattr(extension_points, "installed", lambda path: EntryPoints(entries))
    colours = Registry("compound_nas.colours", {"blue": 0.5})
    assert isinstance(colours, Mapping)
    assert list(colours.items()) == [("blue", 0.5), ("red", 1 / 3)]
    assert list(colours.values()) == [0.5, 1 / 3]
    assert (colours.get("red"), colours.get("green"), colours.get("green", 0)) == (1 / 3, None, 0)
    assert dict(colours) == {**colours} == colours == {"blue": 0.5, "red": 1 / 3}


def test_entries_that_are_imported_already(colours):
    assert colours.imported() == {"blue": 0.5}
    assert colours["red"] == 1 / 3
    assert colours.imported() == {"blue": 0.5, "red": 1 / 3}


def test_a_loaded_entry_is_not_searched_again(colours, monkeypatch):
    assert colours["red"] == 1 / 3
    monkeypatch.setattr(extension_points, "installed", lambda path: pytest.fail("searched"))
    assert "red" in colours
    assert colours["red"] == 1 / 3


def test_a_package_is_known_without_its_import(colours):
    assert colours.package("red") == "colorsys"
    assert colours.package("absent") == "no_such_package"


def test_an_unknown_name_is_a_key_error(colours):
    with pytest.raises(KeyError, match="green"):
        colours["green"]


@pytest.mark.parametrize(
    ("name", "reason"), [("broken", "AttributeError"), ("absent", "ModuleNotFoundError")]
)
def test_a_package_that_cannot_be_imported_is_named(colours, name, reason):
    with pytest.raises(
        UserError, match=rf"^Cannot import '{name}' \(\S+ of compound_nas.colours\): {reason}"
    ):
        colours[name]


def test_ours_are_found_without_asking_packages(monkeypatch):
    monkeypatch.setattr(extension_points, "installed", lambda path: pytest.fail("asked"))
    ours = Registry("compound_nas.colours", {"blue": 0.5})
    assert "blue" in ours
    assert ours["blue"] == 0.5
