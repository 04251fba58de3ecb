import io
from dataclasses import replace

import pytest
from rich.console import Console

from search.cli.screen import brief
from search.engine.live import Terminal, line, panel
from search.reward import REWARDS
from search.runs.status import Status
from search.testing import looked_up, requests
from search.trials.records import Record
from search.trials.trial import trial_from_record
from space import decode, published

REFERENCE = published("v2-b0").architecture


def trial(reason=""):
    (request,) = requests(1)
    network = decode(request.architecture)
    state = "failed" if reason else "complete"
    result = None if reason else looked_up(request, lambda epoch, loss: None)
    record = Record(0, network.digest, str(network), 0, (0,), state, 1, reason, 1.0, 2.0, result)
    return trial_from_record(record, REWARDS["effv2"](reward="effv2", w=0), REFERENCE)


@pytest.mark.parametrize("reason", ["no [/tmp] left", "KeyError: '[red]a'", "shape [1, 2] :smile: x"])
def test_reasons_are_shown_as_they_are(reason):
    """What a library says about a failure can look like markup."""
    console = Console(file=io.StringIO(), width=300)
    Terminal(console).finished(trial(reason))
    assert console.file.getvalue() == f"trial 0 failed: {reason}\n"


def test_a_finished_trial_is_one_line_with_its_terms():
    console = Console(file=io.StringIO(), width=20)
    Terminal(console).finished(trial())
    text = console.file.getvalue()
    assert text.count("\n") == 1
    assert all(word in text for word in ("trial 0 reward 0.", "= accuracy 0.", " x params 1."))


def test_a_note_is_wrapped_between_words_on_a_terminal_only():
    network = "r16_i8_s1/mb_d1_k3_s2_e1_w16/h32_c10"
    lines = {}
    for text in ("differences under 7 points are chance", f"trial 3: {network}"):
        for terminal in (True, False):
            console = Console(file=io.StringIO(), width=20, force_terminal=terminal)
            Terminal(console).note(text)
            lines[text[:5], terminal] = console.file.getvalue().splitlines()
    assert lines["diffe", True] == ["differences under 7 ", "points are chance"]
    assert lines["diffe", False] == ["differences under 7 points are chance"]
    assert lines["trial", True] == lines["trial", False] == [f"trial 3: {network}"]


def test_the_brief_table_has_a_line_for_each_trial_on_a_narrow_terminal():
    found = trial()
    console = Console(file=io.StringIO(), width=80)
    console.print(brief([found, replace(found, number=1)]))
    assert console.file.getvalue().count("\n") == 3


@pytest.mark.parametrize("width", [80, 120])
def test_the_panel_has_a_line_for_each_thing_and_none_is_cropped(width):
    status = Status.of(
        [trial(), replace(trial(), number=1, state="running", result=None, terms=None)],
        {1: 0},
        goals={1: 3},
        total=500,
        seconds=3723.0,
        left=45296.0,
        why_stopped="",
        exhausted=False,
    )
    console = Console(file=io.StringIO(), width=width)
    console.print(panel(status))
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    *_, counted, timed, best, running = lines
    assert (counted, timed) == ("1 of 500 trials", "1:02:03 so far, about 12:34:56 left")
    assert best.startswith("best: trial 0, reward 0.")
    assert running == "training: trial 1 (epoch 1 of 3)"
    assert "r32_" not in console.file.getvalue() and "r16_" not in console.file.getvalue()


def test_the_line_of_a_multi_objective_search_has_no_reward():
    text = line(trial(), by_reward=False)
    assert text.startswith("trial 0 accuracy 0.") and "reward" not in text
