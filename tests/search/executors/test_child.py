import os

import pytest
from helpers.jobs import refusing, where_it_runs

from search.executors.child import in_child
from space import UserError


def test_a_call_is_answered_by_another_process_that_is_gone_then():
    pid, word = in_child(where_it_runs, "word")
    assert word == "word"
    assert pid != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_refusal_is_raised_here():
    with pytest.raises(UserError, match=r"^no such device$"):
        in_child(refusing, "no such device")


def test_another_error_is_a_refusal_with_its_reason():
    with pytest.raises(UserError, match="where_it_runs in a process of its own failed: TypeError"):
        in_child(where_it_runs)
