"""The display of a search in a notebook, without a notebook."""

import pytest

from search.api.launch import launch
from search.engine import notebook
from search.engine.notebook import Notebook
from search.testing import looked_up

IPython = pytest.importorskip("IPython.display")


class Output:
    def __init__(self):
        self.states = []

    def __call__(self, html, display_id):
        self.states.append(html.data)
        return self

    def update(self, html):
        self.states.append(html.data)


@pytest.mark.usefixtures("at_home")
def test_one_output_follows_the_search_and_ends_without_times(monkeypatch):
    output = Output()
    monkeypatch.setattr(IPython, "display", output)
    settings = {"data.images": 100, "data.test_images": 20, "proxy": "tiny", "executor": "serial"}
    shown = Notebook()
    run = launch(
        settings,
        space="tiny_space",
        trials=2,
        sampler="random",
        run="r",
        evaluate=looked_up,
        display=shown,
    )
    first, last = output.states[1], output.states[-1]
    assert "so far" in "".join(output.states) and "so far" not in last
    assert '<progress value="2" max="2"' in last
    assert f"best: trial {run.best.number}" in last
    assert "<pre>" in last and first != last
    shown.note("The search ends: no network is left.")
    assert output.states[-1].startswith(last) and "no network is left" in output.states[-1]


def test_notes_are_text_and_not_code():
    assert "&lt;b&gt;" in notebook.page(None, [], ["<b>"])
