import io
from dataclasses import replace

import pytest
from rich.console import Console

from search.cli.live import Terminal
from search.cli.screen import brief
from search.reward import REWARDS
from search.testing import looked_up, requests
from search.trials.ledger import Record
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


def test_the_brief_table_has_a_line_for_each_trial_on_a_narrow_terminal():
    found = trial()
    console = Console(file=io.StringIO(), width=80)
    console.print(brief([found, replace(found, number=1)]))
    assert console.file.getvalue().count("\n") == 3
