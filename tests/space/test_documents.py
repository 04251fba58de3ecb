import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import space
from space import UserError, documents


def test_numbers_in_any_notation_are_numbers():
    assert documents.parse("[3e6, 1.5e-3, 7, -2.5, 1E3]", "x") == [3e6, 1.5e-3, 7, -2.5, 1e3]
    assert documents.parse("[v2-b0, 3x3, 1.2.3]", "x") == ["v2-b0", "3x3", "1.2.3"]


def test_a_part_can_be_used_again():
    text = "- &a {b: 1, c: [1, 2]}\n- {<<: *a, b: 3}\n- *a"
    first = {"b": 1, "c": [1, 2]}
    assert documents.parse(text, "x") == [first, {**first, "b": 3}, first]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2", "'a' occurs twice in the mapping at line 1."),
        ("a: [1", "x, line"),
        ("!!python/object/apply:os.system [ls]", "x, line 1"),
        ("a: !custom 1", "x, line 1"),
        ("{[1]: 2}", "x"),
        ("\x00", "x"),
        ("a: &a [*a]", "x"),
        ("a: &a {b: *a}", "x"),
        ("a: " + "[" * 5000, "x"),
    ],
)
def test_an_invalid_document_is_refused(text, says):
    with pytest.raises(UserError) as refused:
        documents.parse(text, "x")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_and_names(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: 1")
    assert documents.read("space", str(path)) == {"a": 1}
    assert "effv2" in documents.names("space")
    with pytest.raises(UserError, match="Did you mean 'effv2'"):
        documents.read("space", "efv2")
    with pytest.raises(UserError, match=r"mine\.yaml"):
        documents.read("space", str(tmp_path / "mien.yaml"))


def test_unreadable_files_are_refused(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "list.yaml").write_text("- 1")
    for name in ("folder", "latin", "list", "long" * 100, "/~nobody/none"):
        with pytest.raises(UserError) as refused:
            documents.read("space", str(tmp_path / f"{name}.yaml"))
        assert f"{name}.yaml" in str(refused.value)
    with pytest.raises(UserError, match="~nobody"):
        documents.read("space", "~nobody.of.that.name/none.yaml")


def test_aliases_that_stand_for_billions_of_values_are_refused():
    inner = "&a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"
    for level in range(1, 12):
        inner = f"&a{level} [{inner}" + f", *a{level - 1}" * 8 + "]"
    with pytest.raises(UserError, match=r"^my.yaml: it holds 100,000 values or more; fewer are permitted\.$"):
        documents.parse(f"resolution: {inner}", "my.yaml")


def test_a_package_of_the_user_called_experiments_is_not_asked(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__init__.py").write_text("raise RuntimeError")
    paths = [str(tmp_path), str(Path(space.__file__).parents[1])]
    code = (
        f"import sys; sys.path[:0] = {paths!r}; from space import documents; print(documents.names('space'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert "effv2_32" in ran.stdout


def test_settings_are_searched_beside_the_package_as_in_an_installed_wheel(tmp_path):
    for folder in ("space", "experiments/settings"):
        shutil.copytree(Path(space.__file__).parents[1] / folder, tmp_path / folder)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += "from space import documents; print(documents.SETTINGS)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert Path(ran.stdout.strip()) == tmp_path / "experiments" / "settings"


@pytest.mark.parametrize("name", ["a\0.yaml", f"{'x' * 300}.yaml", "~nobody/x.yml"])
def test_paths_that_no_file_can_have_are_refused(name):
    with pytest.raises(UserError, match=r"Cannot read|Unknown file"):
        documents.read("space", name)
