"""`search show` as a user types it."""

import json

import pytest
from click.testing import CliRunner
from helpers.runs import filled

from search.cli.main import search

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.mark.parametrize("name", ["data", "data.v2"])
def test_a_run_can_be_called_like_a_setting(name):
    filled(f"runs/{name}", complete=3)
    for word, key, value in ((name, "trials", 3), (f"{name}:2", "number", 2)):
        result = CliRunner().invoke(search, ["show", word, "--json"], catch_exceptions=False)
        found = json.loads(result.stdout)
        assert (result.exit_code, found["run"], found[key]) == (0, name, value)
