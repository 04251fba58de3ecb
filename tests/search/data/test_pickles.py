import pickle
import re
from contextlib import suppress

import numpy as np
import pytest
from helpers.datasets import python2
from hypothesis import given
from hypothesis import strategies as st

from search.data import pickles
from space.refusal import UserError

ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)
ran = []


class Malicious:
    """Calls a function as soon as it is unpickled by someone who lets it."""

    def __reduce__(self):
        return ran.append, ("ran",)


class Sly:
    """Goes by way of a class that is permitted, and sets its state to something it is not for."""

    def __init__(self, state):
        self.state = state

    def __reduce__(self):
        return np.ndarray, ((0,), b"b"), self.state


def test_texts_numbers_lists_and_arrays_are_read():
    content = python2({b"data": ARRAY, b"labels": [1, 2, 3], b"label_names": [b"ant", b"b\xe9"]})
    found = pickles.read(content, "file")
    assert np.array_equal(found["data"], ARRAY)
    assert (found["labels"], pickles.texts(found["label_names"])) == ([1, 2, 3], ("ant", "bé"))


@pytest.mark.parametrize("protocol", range(5))
def test_so_are_they_as_python_3_writes_them(protocol):
    content = pickle.dumps({b"data": ARRAY, "names": ["ant", "bee"]}, protocol)
    found = pickles.read(content, "file")
    assert np.array_equal(found["data"], ARRAY)
    assert pickles.texts(found["names"]) == ("ant", "bee")


def test_columns_before_rows_are_told_from_rows_before_columns():
    found = pickles.read(python2({b"data": np.asfortranarray(ARRAY)}), "file")
    assert np.array_equal(found["data"], ARRAY)


PROGRAMS = {
    "a method": pickle.dumps({b"data": Malicious()}, 2),
    "the shell, by name": b"cposix\nsystem\n(S'touch ran'\ntR.",
    "the shell, by stack": pickle.dumps("posix")[:-1] + pickle.dumps("system")[2:-1] + b"\x93.",
    "eval": b"c__builtin__\neval\n(S'ran.append(1)'\ntR.",
    "a name of two lines": pickle.dumps("posix\n")[:-1] + pickle.dumps("system")[2:-1] + b"\x93.",
    "an instance": b"(S'touch ran'\niposix\nsystem\n.",
    "a module of NumPy's": b"cnumpy.testing._private.utils\nruncstring\n(S'ran'\ntR.",
    "getattr on an array": b"c__builtin__\ngetattr\n(cnumpy\nndarray\nS'dump'\ntR.",
    "what another reader left": b"\x82\x01.",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_pickle_that_would_run_something_is_refused_and_does_not(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refusal:
        pickles.read(PROGRAMS[name], "'data_batch_1'")
    assert "\n" not in str(refusal.value)
    assert "'data_batch_1'" in str(refusal.value)
    assert not ran
    assert not list(tmp_path.iterdir())


def test_the_function_is_named():
    with pytest.raises(UserError, match=re.escape("f asks for 'posix.system'. Nothing was run")):
        pickles.read(PROGRAMS["the shell, by name"], "f")


KIND = np.dtype("u1")
STATES = {
    "no state": None,
    "a state of another length": (1, (3,)),
    "objects": (1, (1,), np.dtype("O"), False, [b"a"]),
    "words of two bytes": (1, (1,), np.dtype("u2"), False, b"ab"),
    "more than there is": (1, (100, 100), KIND, False, b"ab"),
    "less than nothing": (1, (-1, -2), KIND, False, b"ab"),
    "a shape of texts": (1, (b"a",), KIND, False, b"a"),
    "no bytes": (1, (1,), KIND, False, [1]),
    "a text beyond bytes": (1, (1,), KIND, False, "\u20ac"),
}


@pytest.mark.parametrize("name", STATES)
def test_arrays_that_are_none_are_refused(name):
    with pytest.raises(UserError, match="file is damaged, or another kind of file"):
        pickles.read(pickle.dumps({b"data": Sly(STATES[name])}, 2), "file")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", pickle.dumps([1]), pickle.dumps(3), b"." * 10])
def test_other_files_are_refused(content):
    with pytest.raises(UserError, match="file is damaged, or another kind of file"):
        pickles.read(content, "file")


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 255))
def test_whatever_the_bytes_nothing_but_a_refusal_comes_of_them(tail, place, byte):
    content = bytearray(python2({b"data": ARRAY, b"labels": [1, 2, 3]}))
    content[place % len(content)] = byte
    for mutant in (bytes(content), bytes(content[:place]) + tail, tail):
        with suppress(UserError):
            pickles.read(mutant, "file")


def test_texts_are_texts():
    assert pickles.texts([b"a", 3]) == pickles.texts(None) == pickles.texts(7) == ()
