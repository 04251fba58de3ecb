import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace

import pytest

from search.proxy.evaluate import Result
from search.trials.ledger import Ledger, LedgerFailed
from search.trials.records import FinalTraining, Record
from space import UserError

RESULT = Result(0.5, 1.25, 2, 100, 1.5, 66.6, (2.0, 1.0), 10.0, 11.0, 0.909)


def record(number, digest="aa", state="waiting", seed=7):
    return Record(number, digest, f"network {digest}", seed, (0, 1, 2), state, 1, "", 1000.5, None, None)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "trials.sqlite")
    yield opened
    opened.close()


def test_gives_back_what_it_was_told(ledger, tmp_path):
    ledger.add(record(0))
    ledger.add(record(1, "bb"))
    ledger.begin(0, 1)
    ledger.complete(record(0), "f", RESULT, 1002.0)
    ledger.fail(record(1, "bb"), "f", "diverged", 1003.0)
    other = Ledger(tmp_path / "trials.sqlite", write=False)
    done, failed = other.records("f")
    assert (done.state, done.result, done.finished_at, done.point) == ("complete", RESULT, 1002.0, (0, 1, 2))
    assert (failed.state, failed.reason, failed.result) == ("failed", "diverged", None)
    other.close()


def test_results_belong_to_a_fidelity_and_a_seed(ledger):
    ledger.add(record(0))
    ledger.complete(record(0), "f", RESULT, 1.0)
    assert ledger.records("f")[0].result == RESULT
    assert ledger.records("other")[0].result is None
    ledger.add(record(1, seed=8))
    assert ledger.records("f")[1].result is None


def test_one_evaluation_answers_every_proposal_of_its_network(ledger):
    ledger.add(record(0))
    ledger.add(record(1, state="duplicate"))
    ledger.complete(record(0), "f", RESULT, 1.0)
    assert [r.result for r in ledger.records("f")] == [RESULT, RESULT]


def test_trainings_with_other_seeds_are_kept_by_network_and_are_no_trials(ledger):
    ledger.add(record(0))
    ledger.complete(record(0), "f", RESULT, 1.0)
    ledger.record_final("aa", "f", FinalTraining(8, 1, "running"))
    ledger.record_final("aa", "f", FinalTraining(8, 1, "complete", "", RESULT))
    ledger.record_final("aa", "f", FinalTraining(9, 1, "failed", "diverged"))
    ledger.record_final("aa", "other", FinalTraining(10, 1, "complete", "", RESULT))
    (found,) = ledger.records("f")
    assert found.final_trainings == (
        FinalTraining(8, 1, "complete", "", RESULT),
        FinalTraining(9, 1, "failed", "diverged"),
    )
    assert found.result == RESULT


def test_of_several_attempts_the_latest_counts_and_what_is_over_stays_so(ledger):
    ledger.add(record(0))
    ledger.record_final("aa", "f", FinalTraining(8, 1, "running"))
    ledger.record_final("aa", "f", FinalTraining(8, 2, "waiting"))
    assert ledger.records("f")[0].final_trainings == (FinalTraining(8, 2, "waiting"),)
    ledger.record_final("aa", "f", FinalTraining(8, 2, "complete", "", RESULT))
    ledger.record_final("aa", "f", FinalTraining(8, 2, "waiting"))
    assert ledger.records("f")[0].final_trainings == (FinalTraining(8, 2, "complete", "", RESULT),)


def test_another_trial_of_a_network_is_no_repeat(ledger):
    """A fit trains one network with several seeds, each a trial of its own."""
    for number, seed in enumerate((7, 8)):
        ledger.add(record(number, seed=seed))
        ledger.complete(record(number, seed=seed), "f", RESULT, 1.0)
    assert [found.final_trainings for found in ledger.records("f")] == [(), ()]


def test_what_others_found_out_is_taken_up_in_one_step(ledger):
    repeat = FinalTraining(9, 1, "complete", "", RESULT)
    told = replace(record(0, state="imported"), reason="old:3", result=RESULT, final_trainings=(repeat,))
    ledger.adopt([told, replace(told, number=1, digest="bb")], "f")
    assert ledger.records("f")[0] == told
    with pytest.raises(LedgerFailed):
        ledger.adopt([replace(told, number=2), told], "f")
    assert len(ledger.records("f")) == 2


def test_another_result_of_a_trial_leaves_its_state_and_origin(ledger):
    told = replace(record(0, state="imported"), reason="old:3", result=RESULT)
    ledger.adopt([told], "f")
    timed = replace(RESULT, latency_ms=1.5)
    ledger.measure(told, "f", timed)
    assert ledger.records("f") == (replace(told, result=timed),)


def test_notes_keep_the_first_value_unless_replaced(ledger):
    ledger.note("k", "1")
    ledger.note("k", "2")
    assert ledger.noted("k") == "1"
    ledger.replace("k", "3")
    assert ledger.noted("k") == "3"
    assert ledger.noted("absent") is None


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    path = tmp_path / "trials.sqlite"
    path.write_text("not a database, but long enough to be taken for one" * 50)
    with pytest.raises(UserError, match="cannot be used as a ledger"):
        Ledger(path)
    with pytest.raises(UserError, match="does not exist"):
        Ledger(tmp_path / "none.sqlite", write=False)


def test_a_ledger_that_cannot_be_read_is_refused(ledger, tmp_path):
    for number in range(300):
        ledger.add(record(number, "x" * 500))
    ledger.close()
    path = tmp_path / "trials.sqlite"
    path.write_bytes(path.read_bytes()[:20000] + b"\xaa" * 20000)
    with pytest.raises(UserError, match="cannot be used as a ledger"):
        Ledger(path, write=False).records("f")
    (tmp_path / "folder").mkdir()
    for write in (True, False):
        with pytest.raises(UserError, match="cannot be used as a ledger"):
            Ledger(tmp_path / "folder", write=write)


def test_a_ledger_in_a_folder_without_permission_to_write_is_read(tmp_path, monkeypatch):
    path = tmp_path / "trials.sqlite"
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path)
    with closing(Ledger(path)) as ledger:
        ledger.add(record(0))
        with closing(Ledger(path, write=False)) as reader:
            assert len(reader.records("f")) == 1  # although it is not in the main file yet
    with closing(Ledger(path, write=False)) as reader:
        assert len(reader.records("f")) == 1
        assert os.listdir(tmp_path) == [path.name]


def test_a_later_schema_is_refused(ledger, tmp_path):
    ledger.replace("schema", "99")
    with pytest.raises(UserError, match="schema 99"):
        Ledger(tmp_path / "trials.sqlite", write=False)


def test_a_full_disk_is_told_and_loses_nothing(ledger):
    ledger.add(record(0))
    pages = ledger._database.execute("PRAGMA page_count").fetchone()[0]
    ledger._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerFailed, match="full"):
        for number in range(1, 2000):
            ledger.add(record(number, "x" * 500))
    assert ledger.records("f")[0].digest == "aa"
    ledger._database.execute("PRAGMA max_page_count = 1000000")
    ledger.complete(record(0), "f", RESULT, 1.0)
    assert ledger.records("f")[0].state == "complete"


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    """A writer is killed in full flow, ten times; every trial that it had told of is there."""
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from search.trials.ledger import Ledger
        from search.trials.records import Record
        ledger = Ledger(Path(sys.argv[1]))
        number = len(ledger.records("f"))
        while True:
            ledger.add(Record(number, "d", "n", 0, (1,), "waiting", 1, "", 0.0, None, None))
            print(number, flush=True)
            number += 1
    """)
    path = tmp_path / "trials.sqlite"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    told = -1
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(20):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
        told = max([told, *(int(line) for line in rest[:-1] if line)])
        writer.wait()
        writer.stdout.close()
        ledger = Ledger(path)
        assert len(ledger.records("f")) > told
        ledger.close()


def test_an_interrupted_change_leaves_no_transaction_behind(ledger, monkeypatch):
    """Ctrl-C can strike between any two lines; what follows, the release of running trials, must work."""
    with pytest.raises(KeyboardInterrupt), ledger._transaction():
        raise KeyboardInterrupt
    ledger.add(record(0))
    assert len(ledger.records("f")) == 1


def test_what_has_finished_is_not_taken_back(ledger):
    ledger.add(record(0))
    ledger.begin(0, 1)
    ledger.complete(record(0), "f", RESULT, 1.0)
    ledger.wait(0, 2, 0)
    assert ledger.records("f")[0].state == "complete"
