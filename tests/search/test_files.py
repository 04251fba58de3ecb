"""Folders are written whole or not at all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from search import files
from search.files import (
    claimed,
    deliver,
    locked_file,
    require_ending,
    sole_writer,
    unused,
    write_file,
    write_folder,
)
from space import UserError

NEW = {"a.txt": "new", "b.bin": b"\x00"}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_is_written(tmp_path):
    write_folder(tmp_path / "deep" / "one", NEW)
    assert contents(tmp_path / "deep" / "one") == {"a.txt": b"new", "b.bin": b"\x00"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["one"]


def test_what_is_known_is_replaced(tmp_path):
    folder = tmp_path / "one"
    write_folder(folder, {"a.txt": "old", "c.txt": "old"})
    write_folder(folder, NEW, known=("a.txt", "c.txt"))
    assert set(contents(folder)) == {"a.txt", "b.bin"}
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_empty_folder_and_a_link_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", NEW)
    assert set(contents(tmp_path / "real")) == {"a.txt", "b.bin"}
    assert (tmp_path / "link").is_symlink()


def test_what_others_put_there_is_not_deleted(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "zoo").mkdir()
    with pytest.raises(UserError, match=r"holds notes\.txt and 1 more, which would be deleted"):
        write_folder(tmp_path, NEW, known=("a.txt",))
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "zoo"}


def test_a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "one").write_text("mine")
    with pytest.raises(UserError, match=r"Cannot write .*one: Not a directory"):
        write_folder(tmp_path / "one", NEW)
    assert (tmp_path / "one").read_text() == "mine"


@pytest.fixture
def old(tmp_path):
    write_folder(tmp_path / "one", {"a.txt": "old"})
    return tmp_path / "one"


def untouched(folder):
    return contents(folder) == {"a.txt": b"old"} and list(folder.parent.iterdir()) == [folder]


def test_a_full_disk_leaves_what_was_there(old, monkeypatch):
    def full(path, content):
        raise UserError("No space left on device.")

    monkeypatch.setattr(files, "write_file", full)
    with pytest.raises(UserError, match="No space"):
        write_folder(old, NEW, known=("a.txt",))
    assert untouched(old)


def test_a_failing_exchange_is_undone(old, monkeypatch):
    rename = os.replace

    def failing(source, target):
        if target == old and source.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(UserError, match="Input/output error"):
        write_folder(old, NEW, known=("a.txt",))
    assert untouched(old)


def test_folders_of_one_second_have_names_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "20260131-081500")
    found = []
    for _ in range(3):
        found.append(unused(tmp_path, "my space/é"))
        found[-1].mkdir()
    stem = "my-space-20260131-081500"
    assert [path.name for path in found] == [stem, f"{stem}-2", f"{stem}-3"]


def test_what_has_no_letter_is_named_by_the_time_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "20260131-081500")
    assert unused(tmp_path, "äöü").name == "20260131-081500"


def test_another_ending_is_refused():
    require_ending("--out", None, ".html", "a report")
    require_ending("--out", Path("a/b.HTML"), ".html", "a report")
    with pytest.raises(UserError, match=r"^--out a\.html/b: a report is a \.html file\.$"):
        require_ending("--out", Path("a.html/b"), ".html", "a report")


def in_processes(count, code, cwd):
    """Start `count` processes at about the same time and return what each prints."""
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=cwd, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    return [process.communicate(timeout=120)[0].strip() for process in started]


def test_processes_that_claim_one_folder_get_one_each(tmp_path):
    code = "from pathlib import Path; from search.files import claimed; print(claimed(Path('models/one')))"
    names = in_processes(4, code, tmp_path)
    assert sorted(names) == ["models/one", "models/one-2", "models/one-3", "models/one-4"]


@pytest.mark.parametrize("name", ["a-2", "no.ending", "with space", "Käse"])
def test_the_next_free_name_is_claimed(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / f"{name}-2").write_text("a file")
    assert claimed(tmp_path / name) == tmp_path / f"{name}-3"


def test_a_folder_that_cannot_be_created_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot create .*file/one: "):
        claimed(tmp_path / "file" / "one")


def test_a_second_writer_is_refused(tmp_path):
    with sole_writer(tmp_path / "one", "a training"):
        with pytest.raises(UserError, match="one: another process is writing a training there"):
            with sole_writer(tmp_path / "one", "a training"):
                pass
        (tmp_path / "one" / "file").write_text("")
    with sole_writer(tmp_path / "one", "a training"):
        pass
    assert (tmp_path / "one" / "file").exists()


def test_an_empty_folder_is_not_left_behind(tmp_path):
    with pytest.raises(ValueError, match="no"):
        with sole_writer(tmp_path / "deep" / "one", "a training"):
            raise ValueError("no")
    assert not (tmp_path / "deep" / "one").exists()


def test_exports_to_one_folder_at_once_leave_one_of_them(tmp_path):
    code = (
        "import os; from pathlib import Path; from search.files import write_folder\n"
        "for n in range(30): write_folder(Path('out'), {'a': f'{os.getpid()}', 'b': f'{os.getpid()}'}, ('a', 'b'))\n"
        "print(os.getpid())"
    )
    ids = in_processes(3, code, tmp_path)
    assert all(ids)
    a, b = ((tmp_path / "out" / name).read_text() for name in "ab")
    assert a == b
    assert a in ids
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_text_with_bytes_that_are_not_utf8_is_written(tmp_path):
    write_file(tmp_path / "file", "caf\udce9")
    assert (tmp_path / "file").read_text() == r"caf\udce9"


def test_a_second_process_waits_for_a_locked_file_that_the_first_deletes(tmp_path):
    path, waits, order = tmp_path / "deep" / "x.part", [], []

    def second():
        with locked_file(path, lambda: waits.append(path) or told.set()):
            order.append("second")
            assert path.exists()

    told, thread = threading.Event(), threading.Thread(target=second)
    with locked_file(path, lambda: pytest.fail("nobody holds it")):
        thread.start()
        assert told.wait(10)
        order.append("first")
        path.unlink()
    thread.join(10)
    assert (order, waits) == (["first", "second"], [path])


def test_a_file_that_cannot_be_locked_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot write .*file/x: "), locked_file(tmp_path / "file" / "x", id):
        pass


@pytest.mark.parametrize(("terminal", "shown"), [(True, "a,\\x1b[31mb\n"), (False, "a,\x1b[31mb\n")])
def test_a_terminal_gets_no_control_characters_and_a_program_gets_them_all(
    terminal, shown, capsys, monkeypatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    deliver("a,\x1b[31mb\n", None)
    assert capsys.readouterr().out == shown
