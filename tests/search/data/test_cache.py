import errno
import json
import os
import subprocess
import sys
import threading
from collections import namedtuple

import numpy as np
import pytest

from search.data import cache, dataset, load, load_test, source_from
from space.refusal import UserError


@pytest.fixture
def source(write_npz, tmp_path):
    return source_from({"source": "npz", "path": write_npz(), "cache": tmp_path / "cache"})


def entry(source):
    """The one entry in the cache."""
    (found,) = (path for path in source.cache.iterdir() if path.is_dir())
    return found


@pytest.fixture
def decodings(monkeypatch):
    """Counts how often a source is opened."""
    opened = []
    original = dataset._build
    monkeypatch.setattr(dataset, "_build", lambda *args: (opened.append(1), original(*args)))
    return opened


def test_the_second_load_decodes_nothing(source, decodings):
    first, second = load(source, 12), load(source, 12)
    load_test(source, 12)
    assert len(decodings) == 1
    assert np.array_equal(first.train.images, second.train.images)
    assert first.digest == second.digest


def test_images_are_mapped_and_cannot_be_overwritten(source):
    data = load(source, 12)
    assert isinstance(data.train.images, np.memmap)
    for array in (data.train.images, data.train.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_every_resolution_and_split_has_its_own_entry(source, decodings):
    small, large = load(source, 6), load(source, 12)
    other = load(source.model_copy(update={"seed": 1}), 12)
    assert len(decodings) == 3
    assert small.train.images.shape == (48, 6, 6, 3)
    assert np.array_equal(small.train.labels, large.train.labels)
    assert len({small.digest, large.digest, other.digest}) == 3


def test_what_is_not_in_the_pixels_needs_no_other_entry(source, decodings):
    assert load(source, 12).flip
    assert not load(source.model_copy(update={"flip": False}), 12).flip
    assert len(decodings) == 1


def tear(path):
    os.truncate(path, path.stat().st_size - 1)


DAMAGE = {
    "torn images": lambda entry: tear(entry / "train.uint8"),
    "torn places": lambda entry: tear(entry / "train.places"),
    "torn labels": lambda entry: tear(entry / "test.labels"),
    "torn manifest": lambda entry: tear(entry / "manifest.json"),
    "no manifest": lambda entry: (entry / "manifest.json").unlink(),
    "no images": lambda entry: (entry / "validation.uint8").unlink(),
    "another program's manifest": lambda entry: (entry / "manifest.json").write_text('{"version": 3}'),
    "an older format": lambda entry: (entry / "manifest.json").write_text(
        json.dumps(json.loads((entry / "manifest.json").read_text()) | {"format": 0})
    ),
    "a file in its place": lambda entry: (entry.rename(entry.with_suffix(".old")), entry.write_text("")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_made_again(source, decodings, damage):
    before = load(source, 12)
    pixels = np.array(before.train.images)
    DAMAGE[damage](entry(source))
    after = load(source, 12)
    assert len(decodings) == 2
    assert after.digest == before.digest
    assert np.array_equal(after.train.images, pixels)


def test_what_a_killed_process_left_is_cleared_away(source):
    load(source, 12)
    draft = entry(source).rename(f"{entry(source)}.new")
    (draft / "junk").write_text("half")
    load(source, 12)
    assert not draft.exists()
    assert sorted(path.name for path in entry(source).iterdir()) == sorted(
        [
            "manifest.json",
            *(
                f"{part}.{kind}"
                for part in ("train", "validation", "test")
                for kind in ("labels", "places", "uint8")
            ),
        ]
    )


def test_a_mapped_split_survives_the_replacement_of_its_entry(source, write_npz):
    data = load(source, 12)
    before = np.array(data.train.images)
    write_npz(train_x=np.zeros((60, 12, 12, 3), dtype=np.uint8))
    assert load(source, 12).train.images.max() == 0
    assert np.array_equal(data.train.images, before)


LOADER = """
import sys
from search.data import dataset, load, source_from
original = dataset._build
dataset._build = lambda *args: (print("decoded"), original(*args))
print(load(source_from({"source": "shapes", "images": 3000, "cache": sys.argv[1]}), 24).digest)
"""


def test_of_several_processes_one_decodes_and_all_get_the_same(tmp_path):
    command = [sys.executable, "-c", LOADER, str(tmp_path / "cache")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = "".join(racer.communicate()[0] for racer in racers).split()
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert printed.count("decoded") == 1
    assert len({line for line in printed if line != "decoded"}) == 1
    assert len(printed) == 4


def test_class_names_survive_a_locale_without_their_letters(write_npz, tmp_path):
    path = write_npz(classes=np.array(["Käfer", "bee", "cat"]))
    code = (
        "import sys; from search.data import load, source_from\n"
        "source = source_from({'source': 'npz', 'path': sys.argv[1], 'cache': sys.argv[2]})\n"
        "sys.stdout.buffer.write(load(source, 12).classes[0].encode())"
    )
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "cache")]
    ran = subprocess.run(command, env=plain, capture_output=True, check=False)
    assert ran.stdout.decode() == "Käfer", ran.stderr.decode()


def test_threads_take_turns_too(source, decodings):
    threads = [threading.Thread(target=load, args=(source, 12)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decodings) == 1


def test_a_disk_known_to_be_full_is_refused_before_anything_is_decoded(source, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda folder: usage(1000, 1000, 0))
    with pytest.raises(
        UserError, match=r"No room .* in '.*cache': 30,912 bytes needed, 0 free\. .*data\.cache="
    ):
        load(source, 12)
    assert [path for path in source.cache.iterdir() if path.suffix != ".lock"] == []


def test_a_disk_that_fills_up_is_refused_and_nothing_is_left(source, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.os, "fsync", full)
    with pytest.raises(UserError, match="No room for the cached data"):
        load(source, 12)
    assert [path for path in source.cache.iterdir() if path.suffix != ".lock"] == []
    monkeypatch.undo()
    assert len(load(source, 12).train) == 48


def test_another_error_is_not_taken_for_a_full_disk(source, monkeypatch):
    def broken(*args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(cache.os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        load(source, 12)
    assert [path for path in source.cache.iterdir() if path.suffix != ".lock"] == []


def test_a_cache_that_cannot_be_written_is_refused(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot write to the cache '.*file' .*data\.cache=\.\.\."):
        load(source.model_copy(update={"cache": tmp_path / "file"}), 12)


def test_the_default_folder_is_where_caches_belong(monkeypatch, tmp_path):
    assert cache.default_folder() == tmp_path / "cache" / "compound-nas"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / ".cache" / "compound-nas"
