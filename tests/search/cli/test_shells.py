"""Completion as real shells do it, where they are installed."""

import os
import shutil
import subprocess
import sys

import pytest

from search.cli.shells import SHELLS, script
from space import UserError

needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="no bash")

BASH = """\
source <({search} completion bash)
press() {{
    COMP_LINE=$1 COMP_POINT=${{#1}}
    _search_completion search
    echo "${{COMPREPLY[*]}}"
}}
compopt() {{ echo "compopt $*"; }}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a command `search` in it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "search").write_text(f"#!{sys.executable}\nfrom search.cli.main import main\nmain()\n")
    (folder / "search").chmod(0o755)
    return folder


def pressed(home, *lines):
    """What bash puts in the place of the word at the cursor; `compopt` says what it was told besides."""
    code = BASH.format(search=home / "search") + "".join(f'press "{line}"\n' for line in lines)
    paths = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PATH": f"{home}:{os.environ['PATH']}", "PYTHONPATH": paths}
    found = subprocess.run(
        ["bash", "--norc", "-c", code], cwd=home, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stderr == ""
    return found.stdout.splitlines()


@needs_bash
def test_bash_is_given_what_follows_its_last_break(home):
    found = pressed(home, "search lau", "search launch space=tiny", "search launch 'space.stages.0.kernel=")
    # Not in quotes, where bash does not break.
    assert found == ["launch", "tiny_space", "space.stages.0.kernel=3 space.stages.0.kernel=5"]


@needs_bash
def test_bash_goes_on_where_a_word_does(home):
    assert pressed(home, "search launch tri", "search launch data.path=x") == [
        "compopt -o nospace",
        "trials=",
        "compopt -o default",
        "",
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_completes_both_programs(shell):
    text = script(shell, ("search", "scale"))
    assert f"_SEARCH_COMPLETE={shell}_complete" in text
    assert f"_SCALE_COMPLETE={shell}_complete" in text
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=text, text=True, check=True)


def test_an_unknown_shell():
    with pytest.raises(UserError, match=r"Unknown shell 'bsh'\. Did you mean 'bash'"):
        script("bsh", ("search",))
