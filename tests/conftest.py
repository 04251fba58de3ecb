import gc
import os

import pytest
from helpers.quick import DONE
from hypothesis import settings

# One thread per process, as workers have it: competing threads make operations on small tensors many times slower.
# Set before anything imports torch, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run, so that unrelated changes break no test; COMPOUND_NAS_FUZZ=N draws N others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("other", max_examples=int(os.environ.get("COMPOUND_NAS_FUZZ", 100)), deadline=None)
settings.load_profile("other" if "COMPOUND_NAS_FUZZ" in os.environ else "same")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """Profiles of this device in the developer's cache must not influence the searches of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """Change to an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def packages_forgotten(monkeypatch):
    """What a test imports from made-up packages is unknown to the tests after it."""
    from space.extension_points import Registry

    for registry in (thing for thing in gc.get_objects() if type(thing) is Registry):
        monkeypatch.setattr(registry, "_loaded", {})


@pytest.fixture(scope="module")
def finished_run(request, tmp_path_factory):
    """Change to a folder with one finished run that trained nothing; `SMALL` of the module replaces `DONE`."""
    from search import launch
    from search.testing import looked_up

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("home"))
        yield launch(getattr(request.module, "SMALL", DONE), evaluate=looked_up)
