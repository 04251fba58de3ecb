"""What an installed package adds is told by help and completion as what is shipped, though it has no document."""

import subprocess
import sys

import pytest

from search.cli.main import search
from search.cli.shells import Bash
from search.config import _KINDS, Config
from search.settings.extensions import ENTRY_POINTS, added, package, text
from search.settings.groups import first_sentence, groups, names, options
from search.settings.words import KIND
from space import UserError, documents

CODE = '''
from pathlib import Path

from pydantic import Field

from search.data.source import Source


class Stripes(Source):
    """Level against
    upright stripes.

    More of it.
    """

    source: str = "stripes"
    path: Path
    images: int = 400
    """How many
    there are."""
    balance: None = None
    colours: tuple[str, ...] = ("#fff", "red")
    width: float = Field(default=1e-5, description="Of a stripe.")
    bare: bool = True

    def open(self):
        raise AssertionError("help reads the fields alone")
'''

POINTS = """[compound_nas.datasets]
stripes = striped:Stripes
shapes = striped:Stripes
[compound_nas.samplers]
absent = no_such_package:X
"""


@pytest.fixture
def striped(tmp_path, monkeypatch, packages_forgotten):
    """A package that adds data and a sampler that cannot be imported, as if it was installed."""
    (tmp_path / "striped.py").write_text(CODE)
    installed = tmp_path / "striped-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: striped-data\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("striped", None)


def shown(**words):
    (group,) = [group for group in groups(words) if group.key == "data"]
    return group, {setting.key: (setting.value, setting.meaning) for setting in group.settings}


def test_entry_points_are_of_all_groups_with_kinds():
    assert ENTRY_POINTS.keys() == KIND.keys()
    assert {group: kinds.group for group, kinds in _KINDS.items()} == ENTRY_POINTS


def test_without_packages_nothing_is_added():
    assert [added(group) for group in ("proxy", "recipe", "pruner")] == [(), (), ()]


def test_names_are_known_without_an_import_and_ours_stay_ours(striped):
    assert added("data") == ("stripes",)
    assert names("data") == (*documents.names("data"), "stripes")
    assert package("data", "stripes") == "striped-data"
    assert first_sentence("data", "stripes") == "Added by the package striped-data."
    others = [name for group in groups({}) for name, _ in group.others]
    assert {"stripes", "absent"} <= set(others)
    assert "striped" not in sys.modules


def test_a_class_reads_as_a_document(striped):
    told = text("data", "stripes")
    assert told.startswith("# Level against upright stripes.\n# Needs data.path=VALUE.\nsource: ")
    assert "\nimages: 400  # How many there are.\n" in told
    assert documents.parse(told, "stripes") == {
        "source": "stripes", "validation": 0.2, "seed": 0, "flip": True, "balance": None, "channels": None,
        "cache": None, "images": 400, "colours": ["#fff", "red"], "width": 1e-5, "bare": True,
    }  # fmt: skip


def test_its_settings_are_told_with_defaults_and_meanings(striped):
    group, found = shown(data="stripes", **{"data.path": "x", "data.images": "9"})
    assert group.about == "Level against upright stripes. Needs data.path=VALUE."
    assert found["data.path"] == ("x", "needed")
    assert found["data.images"] == ("9", "How many there are.")
    assert found["data.width"] == ("1.0e-05", "Of a stripe.")
    # What it has from ours means what it means there.
    ours = {setting.key: setting.meaning for setting in options("data", "shapes")}
    assert found["data.flip"] == ("true", ours["data.flip"])
    assert "data.source" not in found
    with pytest.raises(UserError, match=r"Unknown setting 'data.image'. Did you mean 'data.images'"):
        shown(data="stripes", **{"data.image": "3"})


def test_a_package_that_cannot_be_imported_is_named(striped):
    with pytest.raises(UserError, match=r"^Cannot import 'absent'"):
        list(groups({"sampler": "absent"}))


def test_it_is_not_imported_unless_it_is_chosen(striped):
    document = Config.of({"space": "tiny_space", "sampler": "evolution", "data.images": 900}).document()
    assert Config.of_document(document).sampler.sampler == "evolution"
    with pytest.raises(UserError, match=r"sampler\.sequence is a setting of sampler=qmc"):
        Config.of({"sampler.sequence": "sobol"})
    assert "striped" not in sys.modules
    with pytest.raises(UserError, match=r"^Cannot import 'absent'"):
        Config.of({"sampler": "absent"})


def completed(monkeypatch, line):
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_WORDBREAKS", "")
    words = Bash(search, {}, "search", "_COMPLETE").complete().splitlines()
    return [word.removeprefix("plain,") for word in words]


def test_a_tab_offers_it(striped, monkeypatch):
    assert completed(monkeypatch, "search launch data=str") == ["data=stripes"]
    assert completed(monkeypatch, "search launch sampler=abs") == ["sampler=absent"]
    assert "striped" not in sys.modules
    assert completed(monkeypatch, "search launch data=stripes data.im") == ["data.images="]
    assert completed(monkeypatch, "search launch data=stripes data.width=") == ["data.width=1.0e-05"]
    assert completed(monkeypatch, "search train v2-b0 data=stripes data.col") == ["data.colours="]


def test_help_lists_it(striped):
    code = f"import sys; sys.path.insert(0, {str(striped)!r}); from search.cli.main import main; main()"
    words = [sys.executable, "-c", code, "launch", "data=stripes", "--help"]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "\n  data.images=400 " in ran.stdout
    assert "How many there are." in ran.stdout
    assert "    or shapes " in ran.stdout
