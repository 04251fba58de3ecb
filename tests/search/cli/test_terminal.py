"""Names of files and classes are the user's, and a terminal obeys control characters in them."""

import pytest

from search.cli.table import table
from search.cli.terminal import print_all, run_command, warn
from search.files import harmless
from search.tables.table import Column


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tof caf\u00e9", "two\nlines\tof caf\u00e9"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b31m", r"\x9b31m"),
        ("\x00\x7f", r"\x00\x7f"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert harmless(text) == shown


def test_no_control_character_is_printed(capsys):
    name = "\x1b[31mred\nclass"
    print_all([f"class {name}", table([{"name": name}], [Column("name", "Name")])])
    warn(f"no image in {name}")
    printed, warned = capsys.readouterr()
    assert "\x1b" not in printed + warned
    assert r"\x1b[31mred\nclass" in printed
    assert warned == "search: no image in \\x1b[31mred class\n"


def test_a_folder_that_was_deleted_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit, match="2"):
        run_command("scale", lambda: pytest.fail("no command runs there"))
    assert (
        capsys.readouterr().err
        == "scale: The current folder does not exist any more; change to another one.\n"
    )
