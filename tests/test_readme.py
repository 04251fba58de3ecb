"""What the README shows works as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaling.cli import cli as scale
from search.cli import search
from search.samplers import Sampler
from search.testing import SAMPLER_CONTRACT
from space import Space, decode, documents

README = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(name):
    lines = re.findall(rf"^    (?:.*&& )?({name} .*)$", README, re.MULTILINE)
    return [re.split(r"\s{2,}#|\s+&&", line)[0].strip() for line in lines]


@pytest.fixture
def _at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_space.yaml").write_text(blocks("yaml")[0])


@pytest.mark.usefixtures("_at_home")
@pytest.mark.parametrize("command", [line for line in commands("search") if line.startswith("search launch")])
def test_launches_are_valid(command):
    words = [word for word in shlex.split(command)[1:] if not word.startswith("--")]
    result = CliRunner().invoke(search, [*words, "--print-config"])
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("command", [line for line in commands("scale") if not line.startswith("scale fit")])
def test_scale_commands_work(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(scale, shlex.split(command)[1:])
    assert result.exit_code == 0, (result.output, result.exception)


def test_the_space_is_one():
    space = Space.of(documents.parse(blocks("yaml")[0], "README"))
    assert space.size > 1000


def test_the_canonical_string_is_one():
    (text,) = re.findall(r"`(r32_i16_s1/\S+)`", README)
    assert str(decode(text)) == text


@pytest.mark.parametrize("check", SAMPLER_CONTRACT, ids=lambda check: check.__name__)
def test_the_sampler_keeps_the_contract(check):
    (code,) = [block for block in blocks("python") if "class Mutation" in block]
    defined: dict[str, type[Sampler]] = {}
    exec(code, defined)
    check(defined["Mutation"](sampler="mutation"))


def test_every_command_and_group_is_named():
    assert all(f"search {name}" in README for name in search.commands)
    for group in ("space", "data", "proxy", "reward", "sampler", "executor"):
        assert f"{group}=" in README or f"{group}." in README
