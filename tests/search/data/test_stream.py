from collections import namedtuple

import numpy as np
import pytest
import torch
from PIL import Image

from search.data import cache, load, load_test, source_from
from search.data.augment import gather
from search.data.stream import Streamed
from search.proxy.proxy import Proxy
from search.proxy.training import train
from search.testing import SOURCE_CONTRACT
from space import decode
from space.refusal import UserError

NETWORK = decode("r8_i8_s1/fused_d1_k3_s1_e1_w8/h8_c2")
PROXY = Proxy(resolution=8, width=1, stem_stride=None, epochs=2, batch=8, shift=1, device="cpu")


@pytest.fixture
def photos(tmp_path):
    """A folder of two classes with JPEGs and PNGs of several sizes, one of them torn."""
    random = np.random.default_rng(0)
    for number in range(40):
        path = (
            tmp_path
            / "photos"
            / ("ant", "bee")[number % 2]
            / f"{number:02d}.{('jpg', 'png')[number % 3 == 0]}"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (10 + number, 50 - number, 3)
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(path)
    (tmp_path / "photos" / "ant" / "20.jpg").write_bytes(b"torn")
    return tmp_path / "photos"


def folder(path, **options):
    return source_from({"source": "folder", "path": path, "corrupt": "skip", **options})


def test_what_is_streamed_is_what_would_be_cached(photos):
    kept, streamed = (folder(photos, stream=stream) for stream in (False, True))
    one, other = load(kept, 8), load(streamed, 8)
    assert isinstance(one.train.images, np.memmap)
    assert isinstance(other.train.images, Streamed)
    for facts in ("digest", "mean", "std", "skipped", "classes", "channels"):
        assert getattr(one, facts) == getattr(other, facts)
    pairs = [(one.train, other.train), (one.validation, other.validation)]
    for cached, decoded in [*pairs, (load_test(kept, 8), load_test(streamed, 8))]:
        assert (cached.images.shape, len(cached.images)) == (decoded.images.shape, len(decoded.images))
        assert np.array_equal(cached.labels, decoded.labels)
        assert np.array_equal(cached.images, decoded.images[:])


def test_batches_and_trainings_are_the_same_to_the_bit(photos):
    one, other = (load(folder(photos, stream=stream), 8) for stream in (False, True))
    indices = torch.tensor([5, 0, 5, 11])
    for mine, theirs in zip(gather(one.train, indices), gather(other.train, indices), strict=True):
        assert torch.equal(mine, theirs)
    first, second = (train(NETWORK, data, PROXY, 0) for data in (one, other))
    assert (first.accuracy, first.loss, first.curve) == (second.accuracy, second.loss, second.curve)


def test_no_pixels_are_kept(photos, tmp_path):
    load(folder(photos, stream=True, cache=tmp_path / "own"), 64)
    assert sum(file.stat().st_size for file in (tmp_path / "own").rglob("*")) - 40 * 16 < 10_000
    assert not list((tmp_path / "own").rglob("*.uint8"))


def test_channels_that_are_chosen_are_streamed_too(photos):
    one, other = (load(folder(photos, stream=stream, channels=1), 8) for stream in (False, True))
    assert np.array_equal(one.train.images, other.train.images[:])


@pytest.mark.parametrize(("free", "streams"), [(10**9, False), (8400, False), (8200, True), (1000, True)])
def test_images_that_would_fill_the_disk_are_streamed(photos, monkeypatch, free, streams):
    """40 images of 8 x 8 x 3 bytes, and 16 of bookkeeping for each, take 8,320 in the cache."""
    usage = namedtuple("usage", "total used free")
    free = round(free / 0.9)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda place: usage(free, 0, free))
    assert isinstance(load(folder(photos), 8).train.images, Streamed) == streams


def test_not_if_that_is_declined(photos, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda place: usage(1000, 0, 1000))
    with pytest.raises(UserError, match="No room for the cached data"):
        load(folder(photos, stream=False), 8)


def test_a_file_that_is_lost_meanwhile_is_the_machines_fault(photos):
    data = load(folder(photos, stream=True), 8)
    for path in photos.glob("bee/*"):
        path.unlink()
    with pytest.raises(OSError, match="an image can no longer be read: bee/"):
        data.train.images[:]


def test_a_changed_folder_is_noticed(photos):
    before = load(folder(photos, stream=True), 8)
    Image.new("RGB", (9, 9)).save(photos / "ant" / "new.png")
    assert load(folder(photos, stream=True), 8).digest != before.digest


@pytest.mark.parametrize("check", SOURCE_CONTRACT, ids=lambda check: check.__name__)
def test_it_keeps_the_promises_of_a_source(check, photos, tmp_path):
    (photos / "ant" / "20.jpg").unlink()
    check(folder(photos, stream=True, cache=tmp_path / "own"))
