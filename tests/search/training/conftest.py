import pytest

from search.data.shapes import Shapes
from search.training.recipe import Recipe
from search.training.task import Task
from space import decode

TINY = "r16_i8_s1/fused_d1_k3_s2_e1_w8/mb_d2_k3_s2_e2_w8_se0.25/h16_c10"


@pytest.fixture(scope="session")
def cached(tmp_path_factory):
    """A folder for decoded images, of all tests."""
    return tmp_path_factory.mktemp("decoded")


@pytest.fixture
def task(cached):
    """Makes a training of seconds; what is given replaces parts of its recipe."""

    def make(task_changes=None, **changes):
        recipe = {"epochs": 2, "batch": 32, "device": "cpu", **changes}
        source = Shapes(source="shapes", images=200, test_images=40, difficulty=0.0, cache=cached)
        return Task(decode(TINY), source, Recipe(**recipe), **(task_changes or {}))

    return make
