"""Images are fed as the model was trained, and its likeliest classes are told."""

import numpy as np
import pytest
import torch
from helpers.models import model
from PIL import Image

from search.models.model import Feeding
from search.models.predict import inputs, predict
from space import UserError, decode
from space.weights import rebuild

SMALL = decode("r16_i8/mb_d1_k3_s2_e2_w8/h16_c4")
NAMES = ("north", "east", "south", "west")


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number, (height, width) in enumerate([(16, 16), (40, 30), (20, 64)]):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(paths[-1])
    return paths


def test_probabilities_are_the_softmax_of_the_logits_likeliest_first(photos):
    made = model(SMALL, classes=NAMES)
    rows = predict(made, photos, top=4)
    with torch.no_grad():
        shares = rebuild(made.weights).eval()(inputs(made, photos)).softmax(1)
    assert [row["image"] for row in rows] == [str(path) for path in photos for _ in NAMES]
    for row in rows:
        share = shares[photos.index(type(photos[0])(row["image"])), row["index"]]
        assert row["probability"] == pytest.approx(float(share))
        assert row["label"] == NAMES[row["index"]]
    for start in range(0, 12, 4):
        of_one = rows[start : start + 4]
        assert [row["rank"] for row in of_one] == [1, 2, 3, 4]
        assert sum(row["probability"] for row in of_one) == pytest.approx(1)
        assert of_one == sorted(of_one, key=lambda row: -row["probability"])


def test_no_more_labels_than_there_are(photos):
    assert len(predict(model(SMALL, classes=NAMES), photos[:1], top=9)) == 4
    assert len(predict(model(SMALL, classes=NAMES), photos[:1], top=1)) == 1


def test_batches_change_nothing(photos, monkeypatch):
    made = model(SMALL, classes=NAMES)
    together = predict(made, photos)
    monkeypatch.setattr("search.models.predict._BATCH", 2)
    for one, other in zip(predict(made, photos), together, strict=True):
        assert one == other | {"probability": pytest.approx(other["probability"])}


def test_images_are_normalised_as_the_weights_say(photos):
    made = model(SMALL, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    pixels = np.asarray(Image.open(photos[0]), dtype=np.float32) / 255
    expected = ((pixels - [0.1, 0.2, 0.3]) / [0.4, 0.5, 0.6]).transpose(2, 0, 1)
    np.testing.assert_allclose(inputs(made, photos[:1])[0], expected, rtol=1e-5, atol=1e-5)


def test_images_are_cut_as_the_model_was_fed(photos):
    whole = model(SMALL, feeding=Feeding(resolution=24))
    part = model(SMALL, feeding=Feeding(resolution=8, crop=0.5))
    assert inputs(whole, photos).shape == (3, 3, 24, 24)
    # The middle half of an image of 16 pixels is its own 8.
    told = part.weights.conventions
    pixels = np.asarray(Image.open(photos[0]), dtype=np.float32)[4:12, 4:12] / 255
    expected = ((pixels - told.mean) / told.std).transpose(2, 0, 1)
    np.testing.assert_allclose(inputs(part, photos[:1])[0], expected, rtol=1e-5, atol=1e-5)


def test_a_model_that_was_fed_whole_images_is_fed_whole_files(photos):
    made = model(SMALL, feeding=Feeding(resolution=16, crop=None))
    told = made.weights.conventions
    squeezed = Image.open(photos[2]).resize((16, 16), Image.Resampling.BILINEAR)
    expected = ((np.asarray(squeezed, dtype=np.float32) / 255 - told.mean) / told.std).transpose(2, 0, 1)
    np.testing.assert_allclose(inputs(made, photos[2:])[0], expected, rtol=1e-5, atol=1e-5)


def test_grey_networks_see_grey(photos):
    grey = model(decode("r16_i8_x1/mb_d1_k3_s2_e2_w8/h16_c4"), classes=NAMES)
    assert inputs(grey, photos).shape == (3, 1, 16, 16)
    assert predict(grey, photos, top=1)


def test_a_folder_stands_for_the_images_below_it(photos, tmp_path):
    made = model(SMALL, classes=NAMES)
    below = tmp_path / "more" / "b.png"
    below.parent.mkdir()
    below.write_bytes(photos[0].read_bytes())
    (tmp_path / "notes.txt").write_text("no image")
    assert predict(made, [tmp_path]) == predict(made, [*photos, below])


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_files_that_cannot_be_read_are_told_and_left_out(photos, tmp_path, monkeypatch, batch):
    monkeypatch.setattr("search.models.predict._BATCH", batch)
    made, skipped = model(SMALL, classes=NAMES), []
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"none")
    rows = predict(made, [photos[0], broken, *photos[1:]], 4, skipped.append)
    assert [row["image"] for row in rows] == [str(path) for path in photos for _ in NAMES]
    assert [str(one) for one in skipped] == [f"Cannot read {broken} (not an image)."]
    assert predict(made, [broken], 4, skipped.append) == []


def test_what_cannot_be_told_is_refused(photos, tmp_path):
    made = model(SMALL, classes=NAMES)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photos[0].read_bytes()[:200])
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, message in (
        (broken, r"Cannot read .*broken\.jpg \("),
        (text, r"Cannot read .*notes\.txt \(not an image\)"),
        (empty, r"There is no image \(\.jpg, .*\) in .*empty"),
        (tmp_path / "00.png", r"IMAGE: there is no .*00\.png'\. Did you mean .*0\.png"),
    ):
        with pytest.raises(UserError, match=message) as refused:
            predict(made, [*photos, path])
        assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="is not trained"):
        predict(model(SMALL, trained=False), photos)
    with pytest.raises(UserError, match="1 or 3 channels, and this network has 4"):
        predict(model(decode("r16_i8_x4/mb_d1_k3_s2_e2_w8/h16_c4")), photos)
