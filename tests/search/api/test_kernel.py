"""The packages in a Jupyter kernel: what completion offers, and what a cell shows."""

import os
from pathlib import Path

import pytest

import scaling
import search
import space

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A client of a new kernel with the packages of this checkout, in an empty folder."""
    from jupyter_client.manager import start_new_kernel

    folder = tmp_path_factory.mktemp("kernel")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder)}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=environment)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def shown(kernel, code):
    """The types of the messages that `code` shows in a notebook."""
    messages = []
    reply = kernel.execute_interactive(code, timeout=100, output_hook=messages.append)
    assert reply["content"]["status"] == "ok", reply["content"]
    return [m["msg_type"] for m in messages if m["msg_type"] not in ("status", "execute_input")]


def completed(kernel, code):
    """The names after the dot at the end of `code` that completion offers."""
    kernel.complete(code, len(code))
    while (message := kernel.get_shell_msg(timeout=100))["msg_type"] != "complete_reply":
        pass
    return {match.removeprefix(code).lstrip(".") for match in message["content"]["matches"]}


RUN = """
settings = {"data.images": 100, "data.test_images": 20, "proxy.resolution": 16, "sampler": "tpe", "reward.w": 0}
run = search.launch(settings, space="tiny_space", trials=2, executor="serial", finals="off", run="r", %s)
"""


@pytest.mark.slow
def test_completion_offers_every_public_name_and_cells_show_what_is_asked_for(kernel):
    assert shown(kernel, "import search, space, scaling") == []
    for package in (search, space, scaling):
        assert completed(kernel, f"{package.__name__}.") == set(package.__all__)
    # Not even a warning of a library about widgets that are not used.
    assert shown(kernel, RUN % "display=None") == []
    assert shown(kernel, "figures = run.figures()") == []
    public = {name for name in dir(search.Run) if not name.startswith("_")}
    assert completed(kernel, "run.") == public
    kinds = shown(kernel, (RUN % "display='auto'").replace('"r"', '"s"'))
    assert kinds[0] == "display_data" and set(kinds[1:]) == {"update_display_data"}
