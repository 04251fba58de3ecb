"""The names that `search`, `space` and `scaling` show, and the examples in their docstrings."""

import doctest
import inspect
import shutil
import sys

import pytest
from helpers.models import model
from helpers.quick import DONE
from PIL import Image

import scaling
import search
import space
from search.api import launch as launching
from search.models.model import save_model
from search.tables.table import Table
from search.testing import looked_up
from space import decode

PACKAGES = search, space, scaling
FUNCTIONS = {
    named.__qualname__: named
    for package in PACKAGES
    for named in (getattr(package, name) for name in package.__all__)
    if inspect.isfunction(named)
}
METHODS = {
    named.__qualname__: named
    for named in (getattr(search.Run, name) for name in dir(search.Run) if not name.startswith("_"))
    if inspect.isfunction(named)
}
EXAMPLES = [
    *(*FUNCTIONS.values(), *METHODS.values()),
    *(search.Run, search.Evaluation, search.Trial, search.Config),
    *(scaling.Family.to_dataframe, space.Space, Table),
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_completion_shows_the_public_names(package):
    assert dir(package) == sorted(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a run of trials that were not trained, a model, and a few images."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        search.launch({**DONE, "run": "photos", "reward.w": 0}, evaluate=looked_up, display=None)
    network = decode("r16_i8/mb_d1_k3_s2_e2_w8/h16_c2")
    save_model(model(network, classes=("circle", "square")), folder / "models/flowers")
    for kind, colour in (("circle", "red"), ("square", "blue")):
        images = folder / "photos" / kind
        images.mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (20 + number, 20), colour).save(images / f"{number}.png")
    return folder


@pytest.mark.parametrize("named", EXAMPLES, ids=lambda named: named.__qualname__)
def test_the_example_in_its_docstring_is_true(named, home, tmp_path, monkeypatch):
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for function in (launching.launch, launching.resume, scaling.fit):
        monkeypatch.setitem(function.__kwdefaults__, "evaluate", looked_up)
    names = {name: getattr(search, name) for name in search.__all__} | vars(sys.modules[named.__module__])
    (example,) = [
        test
        for test in doctest.DocTestFinder(recurse=False).find(named, named.__name__, globs=names)
        if test.examples
    ]
    output = []
    runner = doctest.DocTestRunner(verbose=False)
    failed = runner.run(example, out=output.append).failed
    assert failed == 0, "".join(output)
