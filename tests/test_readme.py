"""What the README shows works as it stands there."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaling.cli.main import cli as scale
from search import open_run
from search.cli.main import search
from search.samplers import SAMPLERS
from search.testing import SAMPLER_CONTRACT
from space import Space, decode, documents

README = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(name):
    lines = re.findall(rf"^    (?:.*&& )?({name} .*)$", README, re.MULTILINE)
    return [re.split(r"\s{2,}#|\s+&&", line)[0].strip() for line in lines]


def named(file):
    """The YAML block whose first line is a comment that begins with this name of a file."""
    (text,) = (block for block in blocks("yaml") if block.startswith(f"# {file}"))
    return text


LAUNCHES = [
    line for line in commands("search") if line.startswith("search launch") and "data=stripes" not in line
]


@pytest.fixture
def _at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_space.yaml").write_text(named("my_space.yaml"))
    (tmp_path / "my_recipe.yaml").write_text(named("my_recipe.yaml"))


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("command", LAUNCHES)
def test_launches_are_valid(command):
    words = [word for word in shlex.split(command)[1:] if word not in ("--dry-run", "--help")]
    result = CliRunner().invoke(search, [*words, "--print-config"])
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("recipe", ["./my_recipe.yaml", "progressive_small", "effv2_s", "effv2_s_released"])
def test_recipes_are_valid(recipe):
    result = CliRunner().invoke(search, ["train", "v2-b0", f"recipe={recipe}", "--print-config"])
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("command", [line for line in commands("scale") if not line.startswith("scale fit")])
def test_scale_commands_work(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(scale, shlex.split(command)[1:])
    assert result.exit_code == 0, (result.output, result.exception)


def test_the_space_is_one():
    space = Space.of(documents.parse(named("my_space.yaml"), "README"))
    assert space.size > 1000


def test_the_canonical_string_is_one():
    (text,) = re.findall(r"`(r32_i16_s1/\S+)`", README)
    assert str(decode(text)) == text


@pytest.fixture
def my_package(tmp_path, monkeypatch):
    """The package that the README shows, as if it was installed in a folder of its own."""
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
    monkeypatch.setattr(SAMPLERS, "_loaded", {})
    return tmp_path


def test_the_package_joins_and_workers_see_it(my_package):
    (command,) = [line for line in commands("search") if "data=stripes" in line]
    paths = os.pathsep.join(filter(None, sys.path))
    ran = subprocess.run(
        [sys.executable, "-m", "search", *shlex.split(command)[1:], "executor.workers=2", "run=mine"],
        cwd=my_package,
        env=os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(my_package / "cache")},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stderr
    shown = open_run(my_package / "runs" / "mine")
    # Its sampler may come by one network twice, which is then known.
    states = [trial.state for trial in shown.trials if trial.state != "duplicate"]
    assert states == ["complete"] * 3
    assert shown.config.sampler.sampler == "mutation"


@pytest.mark.parametrize("check", SAMPLER_CONTRACT, ids=lambda check: check.__name__)
def test_the_sampler_keeps_the_contract(my_package, check):
    check(SAMPLERS["mutation"](sampler="mutation"))


def test_every_command_and_group_is_named():
    assert all(f"search {name}" in README for name in search.commands)
    for group in ("space", "data", "proxy", "reward", "sampler", "executor"):
        assert f"{group}=" in README or f"{group}." in README
