"""Whatever is typed or handed in: an answer or a refusal in one line. Never a traceback, nothing half-written.

`CASES` inputs of each kind, the same ones in every run; COMPOUND_NAS_FUZZ=5000 tries more, and others.
"""

import io
import os
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from scaling.cli import main as scale_cli
from search.cli import main as search_cli
from search.data import load
from search.data.folder import Folder
from search.data.npz import Npz
from space import Space, UserError, documents

CASES = int(os.environ.get("COMPOUND_NAS_FUZZ", "125"))
fuzzed = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

NUMBERS = st.one_of(
    st.integers(-3, 40),
    st.sampled_from([0.0, -1.5, 1e308, 1e400, float("nan"), 10**30, 2**63, 3e6, "1e-400", "0x10", "1_000"]),
)
WORDS = st.sampled_from(
    """null true ~ effv2 tiny_space b0 v2-b0 gp {a:b} [[[[]]]] * ../.. /dev/null ./none.yaml \u00e9\u2603 \u202e - --
    1,2,3 , [1,2 r32_i8/mb_d1_k3_s1_e1_w8/h8_c2 r32_i8/mb_d1_k3_s1_e1_w8 runs/x:99 x:y %s{} !!python/name:os.system
    """.split()
) | st.just("")
VALUES = st.one_of(NUMBERS.map(str), WORDS, st.text(max_size=8))
KEYS = st.one_of(
    st.sampled_from(
        """space data proxy reward sampler executor trials budget seed run max_failures spce proxy. . space..
        space.stages.2.kernel space.stages.*.expand space.stages.0 space.stages.99.op space.head.width
        space.resolution space.classes proxy.width proxy.epochs proxy.epochs.x data.path data.images data.source
        reward.w limit.params reward.reference reward.reward executor.workers sampler.startup""".split()
    ),
    st.text(max_size=6),
)
SETTINGS = st.lists(st.one_of(st.builds("{}={}".format, KEYS, VALUES), VALUES), max_size=4)
OPTIONS = "--phi --family --base --max-macs --alpha --beta --rule --format --coefficients".split()


def typed(main, words, folder):
    """Run a command in `folder` and return (exit code, standard output, standard error), without any exception."""
    out, err, before, argv = io.StringIO(), io.StringIO(), Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["command", *words]
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("error")
            main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.argv = argv
        os.chdir(before)
    return code, out.getvalue(), err.getvalue()


def answered(main, words, folder):
    """Asserts an answer, or a refusal in one line, and that the folder is left as it was."""
    code, _, err = typed(main, words, folder)
    assert code in (0, 2), (words, code, err)
    if code:
        assert len(err.strip().splitlines()) == 1, (words, err)
        assert len(err) < 2000, (words, len(err))
    assert not list(folder.iterdir()), words


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@fuzzed
@given(words=SETTINGS)
def test_settings_of_a_launch(folder, words):
    answered(search_cli.main, ["launch", "--print-config", *words], folder)


@fuzzed
@given(
    verb=st.sampled_from(["resume", "status", "show", "report", "export", "launc", "--help", "-x", ""]),
    words=st.lists(st.one_of(VALUES, st.builds("space.{}={}".format, KEYS, VALUES)), max_size=2),
)
def test_verbs_of_search(folder, verb, words):
    answered(search_cli.main, [verb, *words], folder)


@fuzzed
@given(words=st.lists(st.tuples(st.sampled_from(OPTIONS), VALUES), max_size=3))
def test_options_of_scale(folder, words):
    answered(scale_cli.main, [word for pair in words for word in pair], folder)


SCALARS = st.one_of(NUMBERS, WORDS, st.none(), st.booleans(), st.sampled_from(["mb", "fused", "silu", 3, 1]))
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["op", "kernel", "choose", "mb", "se", "width", "depth", "x"]), inner, max_size=4
        ),
    ),
    max_leaves=12,
)


@st.composite
def spaces(draw):
    """A space that is shipped, with one to three of its places replaced, taken away or added."""
    document = documents.read("space", draw(st.sampled_from(["tiny_space", "effv2_32"])))
    for _ in range(draw(st.integers(1, 3))):
        place = document
        if draw(st.booleans()) and isinstance(document.get("stages"), list) and document["stages"]:
            place = draw(st.sampled_from(document["stages"]))
        if not isinstance(place, dict):
            continue
        key = draw(st.one_of(st.sampled_from([*place, "extra"]), st.text(max_size=4)))
        if draw(st.integers(0, 4)):
            place[key] = draw(TREES)
        else:
            place.pop(key, None)
    return document


def refused_in_one_line(attempt):
    """Return the result of the attempt, None if it is refused in one readable line."""
    try:
        return attempt()
    except UserError as error:
        said = str(error)
    assert "\n" not in said
    assert 0 < len(said) < 2000
    return None


def described(text):
    """Asserts that a text is a space, all of whose figures can be had, or is refused."""
    space = refused_in_one_line(lambda: Space.of(documents.parse(text, "my.yaml")))
    if space is not None:
        assert space.size >= 1
        assert all(low <= high for low, high in (space.range.params, space.range.macs))


@fuzzed
@given(document=st.one_of(spaces(), TREES))
def test_documents_of_spaces(document):
    described(yaml.safe_dump(document, allow_unicode=True))


@fuzzed
@given(text=st.one_of(st.text(max_size=60), st.text(alphabet="{}[]:,-&*!|>'\"#%@` \n\tab01", max_size=40)))
def test_texts_of_spaces(text):
    described(text)


def loaded(source, cache):
    """Asserts that data load, or are refused, and that nothing half-decoded is left."""
    data = refused_in_one_line(lambda: load(source.model_copy(update={"cache": cache}), 8))
    if data is not None:
        assert len(data.train)
        assert len(data.validation)
    assert not [path for path in cache.rglob("*") if ".new" in path.name]


@st.composite
def archives(draw):
    """Bytes of an .npz file, of arrays that fit, nearly fit or don't, with some of its bytes changed."""
    count = draw(st.integers(0, 12))
    images = np.zeros(
        (count, *draw(st.sampled_from([(4, 4, 3), (4, 4, 1), (4, 4), (3, 4, 4), (0, 4, 3), (4, 4, 4)])))
    )
    arrays = {
        "train_x": images.astype(draw(st.sampled_from(["u1", "u1", "u1", "f4", "i8"]))),
        "train_y": np.arange(count).astype(draw(st.sampled_from(["i8", "i8", "u8", "f4", "i1"]))) % 2,
    }
    change = draw(st.integers(0, 9))
    if change == 0:
        arrays["train_y"] = np.array(
            draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=12)), dtype="i8"
        )
    elif change == 1:
        arrays["classes"] = np.array(draw(st.lists(st.text(max_size=3), max_size=4)) or [1])
    elif change == 2:
        arrays["train_x"] = np.array([None, {}], dtype=object)
    elif change == 3:
        arrays = {draw(st.text(alphabet="tesrain_xy", max_size=8)): value for value in arrays.values()}
    elif change == 4:
        arrays |= {"test_x": images.astype("u1")[:3], "test_y": np.arange(min(count, 3))}
    file = io.BytesIO()
    np.savez(file, **{name or "x": value for name, value in arrays.items()})
    content = bytearray(file.getvalue())
    for position in draw(st.lists(st.integers(0, 2**16), max_size=3)):
        content[position % len(content)] = draw(st.integers(0, 255))
    end = draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    return bytes(content[:end])


@fuzzed
@given(content=st.one_of(archives(), archives(), st.binary(max_size=60)))
def test_npz_files(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("npz")
    (folder / "x.npz").write_bytes(content)
    loaded(Npz(path=folder / "x.npz"), folder / "cache")


def picture(form, mode, size):
    file = io.BytesIO()
    Image.new(mode, size).save(file, form)
    return file.getvalue()


FILES = st.one_of(
    st.sampled_from([picture("PNG", mode, (5, 3)) for mode in ("RGB", "L", "RGBA", "P", "1", "I;16")]),
    st.sampled_from(
        [picture("JPEG", "CMYK", (4, 4)), picture("JPEG", "L", (9, 1)), picture("GIF", "L", (2, 2))]
    ),
    st.binary(max_size=40),
    st.integers(0, 60).map(lambda end: picture("PNG", "RGB", (5, 3))[:end]),
)
NAMES = st.one_of(
    st.sampled_from(["train", "val", "test", "a", "b", ".hidden", "é", "a b", "-"]),
    st.text("ab.", min_size=1, max_size=3),
)


@fuzzed
@given(
    tree=st.lists(
        st.tuples(
            st.lists(NAMES, max_size=3),
            st.sampled_from([".png", ".jpg", ".PNG", ".txt", ""]),
            FILES,
            st.integers(1, 6),
        ),
        max_size=8,
    ),
    corrupt=st.sampled_from(["refuse", "skip"]),
    loop=st.booleans(),
)
def test_folders(tmp_path_factory, tree, corrupt, loop):
    root = tmp_path_factory.mktemp("folder")
    place = root / "images"
    place.mkdir()
    for names, suffix, content, copies in tree:
        inside = place.joinpath(*(name for name in names if name.strip(".")))
        try:
            inside.mkdir(parents=True, exist_ok=True)
            for number in range(copies):
                (inside / f"{number}{suffix}").write_bytes(content)
        except OSError:  # A file is where a folder should be.
            continue
    if loop:
        (place / "loop").symlink_to(place)
    loaded(Folder(path=place, corrupt=corrupt), root / "cache")
