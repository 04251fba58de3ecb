import fcntl
import os
import threading

import pytest

from search.runs.lock import driver_lock
from space import UserError


def test_a_second_driver_is_told_of_the_first(tmp_path):
    with driver_lock(tmp_path / "run.lock"), pytest.raises(UserError, match=f"process {os.getpid()} on "):
        with driver_lock(tmp_path / "run.lock"):
            pass
    with driver_lock(tmp_path / "run.lock"):
        pass  # free again


def test_one_who_only_looks_who_drives_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("search.runs.lock._PATIENCE", 60)
    (tmp_path / "run.lock").touch()
    with open(tmp_path / "run.lock", encoding="utf-8") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.05, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        with driver_lock(tmp_path / "run.lock"):
            pass


def test_a_lock_that_cannot_be_taken_is_no_second_driver(tmp_path):
    with pytest.raises(UserError, match="cannot be driven"), driver_lock(tmp_path / "none/run.lock"):
        pass
