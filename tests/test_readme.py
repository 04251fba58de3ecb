"""The commands, documents and programs in the READMEs work as shown."""

import ast
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from scaling.cli.main import cli as scale
from search import open_run
from search.cli.main import search
from search.samplers import SAMPLERS
from search.settings.reference import reference
from search.settings.words import parse
from search.testing import SAMPLER_CONTRACT
from space import Space, decode, documents

ROOT = Path(__file__).parents[1]
READMES = {
    path: ROOT.joinpath(path).read_text("utf-8")
    for path in (
        "README.md",
        *(f"{room}/README.md" for room in ("space", "search", "scaling", "experiments")),
        "search/AGENTS.md",
    )
}
FRONT, TEXT = READMES["README.md"], "\n".join(READMES.values())


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def commands(name):
    lines = re.findall(rf"^    (?:.*&& )?({name} .*)$", TEXT, re.MULTILINE)
    shown = [re.split(r"\s{2,}#|\s+&&", line)[0].strip() for line in lines]
    return list(dict.fromkeys(shown))


def named(file):
    """The YAML block whose first line is a comment that begins with the name of this file."""
    (text,) = (block for block in blocks("yaml") if block.startswith(f"# {file}"))
    return text


LAUNCHES = [
    line for line in commands("search") if line.startswith("search launch") and "data=stripes" not in line
]
VERBS = [line for line in commands("search") if not line.startswith("search launch")]
SCALES = [line for line in commands("scale") if not line.startswith(("scale fit", "scale compare"))]
COMPARED = [line for line in commands("scale") if line.startswith("scale compare")]


@pytest.fixture
def _at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_space.yaml").write_text(named("my_space.yaml"))
    (tmp_path / "my_recipe.yaml").write_text(named("my_recipe.yaml"))
    images, labels = np.zeros((40, 32, 32, 3), np.uint8), np.arange(40) % 2
    images[labels == 1, :16] = 255
    with open(tmp_path / "FILE", "wb") as file:
        np.savez(file, train_x=images, train_y=labels, test_x=images, test_y=labels, classes=["cat", "dog"])
    for number in range(40):
        folder = tmp_path / "DIR" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(images[number], number, 0)).save(folder / f"{number}.png")


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("command", LAUNCHES)
def test_launches_are_valid(command):
    flags = ("--dry-run", "--help", "--print-config")
    words = [word for word in shlex.split(command)[1:] if word not in flags]
    if set(words) & {"data=cifar10", "data=fashion_mnist"}:
        # Their images are not here, and only automatic choices read them.
        words += ["proxy=small", "trials=20"]
    result = CliRunner().invoke(search, [*words, "--print-config"])
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("command", VERBS)
def test_other_commands_have_these_options(command):
    verb, *words = shlex.split(command.replace("[RUN]", "RUN"))[1:]
    search.commands[verb].make_context(verb, words)


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("recipe", ["./my_recipe.yaml", "progressive_small", "effv2_s", "effv2_s_released"])
def test_recipes_are_valid(recipe):
    result = CliRunner().invoke(
        search, ["train", "v2-b0", "data=shapes", f"recipe={recipe}", "--print-config"]
    )
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("command", SCALES)
def test_scale_commands_work(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(scale, shlex.split(command)[1:])
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("command", COMPARED)
def test_families_can_be_compared(command):
    words = shlex.split(command)[2:]
    scale.commands["compare"].make_context("compare", words)
    parse([word for word in words if "=" in word])


def test_the_space_has_many_networks():
    space = Space.of(documents.parse(named("my_space.yaml"), "README"))
    assert space.size > 1000


def test_the_canonical_string_is_canonical():
    (text,) = re.findall(r"`(r32_i16_s1/\S+)`", TEXT)
    assert str(decode(text)) == text


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_programs_compile_and_import_what_exists(number):
    for node in ast.walk(ast.parse(blocks("python")[number])):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            assert all(getattr(module, alias.name) is not None for alias in node.names)


@pytest.fixture
def my_package(tmp_path, monkeypatch, packages_forgotten):
    """The package that the README shows, as if installed in its own folder."""
    for code in blocks("python"):
        if name := re.match(r"# (my_package/\w+\.py)\n", code):
            (tmp_path / name[1]).parent.mkdir(exist_ok=True)
            (tmp_path / name[1]).write_text(code)
    (tmp_path / "mine.yaml").write_text(named("mine.yaml"))
    installed = tmp_path / "my_package-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1\n")
    groups = tomllib.loads("".join(blocks("toml")))["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in groups.items()
    ]
    (installed / "entry_points.txt").write_text("".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_search_uses_the_package_in_all_its_workers(my_package):
    (command,) = [line for line in commands("search") if "data=stripes" in line]
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-m", "search", *shlex.split(command)[1:], "executor.workers=2", "run=mine"],
        cwd=my_package,
        env=os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(my_package / "cache")},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    run = open_run(my_package / "runs" / "mine")
    # The sampler may propose a network twice. The second trial is then a duplicate.
    states = [trial.state for trial in run.trials if trial.state != "duplicate"]
    assert states == ["complete"] * 3
    assert run.config.sampler.sampler == "mutation"


@pytest.mark.parametrize("check", SAMPLER_CONTRACT, ids=lambda check: check.__name__)
def test_the_sampler_keeps_the_contract(my_package, check):
    check(SAMPLERS["mutation"](sampler="mutation"))


def test_every_command_and_group_is_named():
    text = READMES["search/README.md"]
    assert all(f"search {name}" in text for name in search.commands)
    for group in ("space", "data", "proxy", "reward", "sampler", "executor"):
        assert f"{group}=" in text or f"{group}." in text


def rooms_of_the_tree():
    """The folders in the tree of the front page, by package."""
    (tree,) = re.findall(r"## Folders\n\n```\n(.*?)```", FRONT, re.DOTALL)
    package, rooms = "", {}
    for line in tree.splitlines():
        indent, names = re.match(r"( *)((?:\w+/ )+)", line).groups()
        if indent:
            rooms[package] |= set(names.replace("/", "").split())
        else:
            package = names.rstrip("/ ")
            rooms[package] = set()
    return rooms


def test_the_tree_names_the_rooms_that_exist():
    rooms = rooms_of_the_tree()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {tuple(line.split("/")[:2]) for line in tracked.splitlines() if line.count("/") >= 2}
    for package in ("space", "search", "scaling", "experiments"):
        assert rooms[package] == {folder for name, folder in folders if name == package}
    assert set(rooms) == {line.split("/")[0] for line in tracked.splitlines() if "/" in line} - {".ci"}


def test_the_front_page_is_short_and_its_links_lead_somewhere():
    assert len(FRONT.splitlines()) <= 200
    assert len(FRONT.split()) <= 1800
    assert 1 <= FRONT.count("![") + FRONT.count("<img ") <= 4
    for path, text in READMES.items():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        pictures = re.findall(r'(?:src|srcset)="([^"]+)"', prose)
        for link in re.findall(r"\]\(([^)#:]+)", prose) + pictures:
            assert (ROOT / path).parent.joinpath(link).exists(), f"{path}: {link}"


def test_links_to_sections_exist():
    for path, text in READMES.items():
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
            page = (ROOT / path).parent.joinpath(target).resolve() if target else ROOT / path
            headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
            anchors = {
                re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
            }
            assert anchor in anchors, f"{path}: #{anchor}"


def test_the_lab_book_lists_its_entries():
    text = (ROOT / "experiments/LOG.md").read_text("utf-8")
    headings = [heading for heading in re.findall(r"^## (.*)$", text, re.MULTILINE) if heading != "Contents"]
    anchors = [re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings]
    contents = text[text.index("## Contents") : text.index(f"## {headings[0]}")]
    assert re.findall(r"\(#([^)]+)\)", contents) == anchors
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == set(anchors)


def test_the_page_for_programs_lists_the_keys_of_status(finished_run):
    page = READMES["search/AGENTS.md"]
    keys = json.loads(CliRunner().invoke(search, ["status", finished_run.name, "--json"]).stdout)
    table = page[page.index("Keys of `search status --json`") : page.index("A search is finished")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {key for cell in cells for key in re.findall(r"`(\w+)`", cell)} == set(keys)
    assert (keys["driver"], keys["left"], keys["over"]) == (None, 0, True)
    assert len(page.splitlines()) <= 80


def test_the_reference_of_settings_is_up_to_date():
    """Write it again with: python -m search.settings.reference > search/SETTINGS.md"""
    assert (ROOT / "search/SETTINGS.md").read_text("utf-8") == reference()
