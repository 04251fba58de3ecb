import os

import pytest
from hypothesis import settings

# One thread per process, as workers have it: threads that compete for cores make small tensors many times
# slower. Set before anything imports torch, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples each time, so that who changes nothing breaks nothing; COMPOUND_NAS_FUZZ=N looks at N others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("other", max_examples=int(os.environ.get("COMPOUND_NAS_FUZZ", 100)), deadline=None)
settings.load_profile("other" if "COMPOUND_NAS_FUZZ" in os.environ else "same")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """What who tests has measured of this device must not decide how tests search."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """The current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
