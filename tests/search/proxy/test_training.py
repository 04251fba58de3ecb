import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.coloured import PROXY, TINY, coloured

from search.data import Split, fetching
from search.proxy import loop_streamed, training
from search.proxy.accuracy import Validation
from search.proxy.failure import TrialFailed
from search.proxy.optimizer import triangle
from search.proxy.training import train
from search.proxy.validation import validate
from space import UserError


def _with(**changes):
    return PROXY.model_copy(update=changes)


def outcome(result):
    """All that must repeat to the bit."""
    return result.accuracy, result.loss, result.curve


class TestTrain:
    def test_learns(self):
        result = train(TINY, coloured(), PROXY, seed=0)
        assert result.accuracy > 0.95
        assert result.loss < 0.5
        assert result.curve[-1] < result.curve[0]

    def test_reports_every_epoch(self):
        seen = []
        result = train(TINY, coloured(), PROXY, 0, on_epoch=lambda epoch, loss: seen.append((epoch, loss)))
        assert seen == list(enumerate(result.curve, 1))
        assert len(seen) == PROXY.epochs

    def test_counts_images_and_time(self):
        result = train(TINY, coloured(), PROXY.model_copy(update={"images": 100}), 0)
        assert result.images == 400
        assert result.seconds > result.images / result.images_per_second > 0
        assert result.cpu_seconds > 0

    def test_begins_at_chance(self):
        proxy = PROXY.model_copy(update={"epochs": 1, "learning_rate": 1e-9, "label_smoothing": 0.0})
        assert train(TINY, coloured(), proxy, 0).curve[0] == pytest.approx(np.log(3), abs=1e-4)

    def test_validates_on_as_many_images_as_it_is_told(self, monkeypatch):
        seen = []
        monkeypatch.setattr(
            fetching, "gather", lambda split, indices: seen.append(indices) or _gather(split, indices)
        )
        train(TINY, coloured(), PROXY.model_copy(update={"images": 2, "validation_images": 10}), 0)
        assert seen[-1].tolist() == list(range(10))

    def test_validates_the_average_of_the_weights_where_it_is_asked_to(self):
        data = coloured()
        plain, averaged = train(TINY, data, PROXY, 0), train(TINY, data, _with(ema=0.9), 0)
        assert averaged.curve == plain.curve
        assert averaged.loss != plain.loss
        assert averaged.accuracy > 0.9

    def test_takes_statistics_anew_where_it_is_asked_to(self):
        data = coloured()
        found = train(TINY, data, _with(recalibrate_bn=192), 0)
        assert found.curve == train(TINY, data, PROXY, 0).curve
        assert found.accuracy > 0.9

    def test_validates_mirror_images_too_where_the_data_may_be_mirrored(self):
        plain, mirrored = train(TINY, coloured(), PROXY, 0), train(TINY, coloured(), _with(flip_tta=True), 0)
        assert mirrored.loss != plain.loss
        still = replace(coloured(), flip=False)
        assert train(TINY, still, _with(flip_tta=True), 0).loss == train(TINY, still, PROXY, 0).loss

    @pytest.mark.parametrize("images", [2, 33, 192])
    def test_trains_on_any_number_of_images(self, images):
        proxy = PROXY.model_copy(update={"images": images, "epochs": 1})
        assert train(TINY, coloured(), proxy, 0).images == images

    def test_sees_all_images_in_batches_of_about_one_size(self, monkeypatch):
        seen = []
        monkeypatch.setattr(
            fetching, "gather", lambda split, indices: seen.append(indices) or _gather(split, indices)
        )
        train(TINY, coloured(), PROXY.model_copy(update={"epochs": 2, "images": 100}), 0)
        epochs = torch.cat(seen[:3]), torch.cat(seen[3:6])
        assert all(sorted(epoch.tolist()) == list(range(100)) for epoch in epochs)
        assert epochs[0].tolist() != epochs[1].tolist()
        assert {len(indices) for indices in seen[:6]} == {33, 34}

    def test_never_mirrors_what_must_not_be(self, monkeypatch):
        flips = []
        monkeypatch.setattr(
            loop_streamed,
            "augment",
            lambda *args, flip, **rest: flips.append(flip) or _augment(*args, flip=flip, **rest),
        )
        train(TINY, replace(coloured(), flip=False), PROXY, 0)
        assert set(flips) == {None}

    def test_refuses_a_device_that_is_absent(self):
        with pytest.raises(UserError, match="cuda:31"):
            train(TINY, coloured(), PROXY, 0, device="cuda:31")

    @pytest.mark.parametrize("precision", ["bfloat16", "float16"])
    def test_learns_in_half_precision(self, precision):
        result = train(TINY, coloured(), PROXY.model_copy(update={"precision": precision}), 0)
        assert result.accuracy > 0.9


class TestRepeats:
    def test_with_anything_done_before(self):
        first = train(TINY, coloured(), PROXY, 7)
        train(replace(TINY, classes=5), coloured(), PROXY, 3)
        torch.rand(17)
        assert outcome(train(TINY, coloured(), PROXY, 7)) == outcome(first)

    def test_in_another_process(self):
        here = train(TINY, coloured(), PROXY, 7)
        lines = "import test_training as t; print(repr(t.outcome(t.train(t.TINY, t.coloured(), t.PROXY, 7))))"
        own = Path(__file__).parent
        folders = [str(folder) for folder in (own, own.parents[2], own.parents[1])]
        there = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {folders!r}; {lines}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.strip() == repr(outcome(here))

    def test_with_dropout(self):
        proxy = PROXY.model_copy(update={"dropout": 0.3, "drop_path": 0.3, "epochs": 1})
        one, other = (train(TINY, coloured(), proxy, 7) for _ in range(2))
        assert outcome(one) == outcome(other) != outcome(train(TINY, coloured(), PROXY, 7))

    def test_but_not_with_another_seed(self):
        assert outcome(train(TINY, coloured(), PROXY, 7)) != outcome(train(TINY, coloured(), PROXY, 8))

    def test_and_leaves_the_generators_alone(self):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        train(TINY, coloured(), PROXY, 7)
        assert torch.equal(torch.rand(3), expected)


class Guessing(torch.nn.Module):
    """Gives every image the same logits."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, images):
        return self.logits.expand(len(images), -1)


def uneven(counts, **changes):
    """Coloured noise with so many validation images of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.zeros((len(labels), 8, 8, 3), dtype=np.uint8)
    names = tuple(f"class {number}" for number in range(len(counts)))
    return replace(coloured(), classes=names, validation=Split(images, labels), **changes)


def guessed(data, *logits, most=None):
    found = validate(Guessing(*logits), data, torch.device("cpu"), most)
    return found.accuracy, found.top5


class TestValidation:
    def test_counts_every_image_the_same_unless_the_data_are_balanced(self):
        counts = [60, 20, 10, 5, 3, 2]
        assert guessed(uneven(counts), 5.0, 4.0, 3.0, 2.0, 1.0, 0.0) == (0.6, 0.98)
        for balance in ("sample", "loss"):
            found = guessed(uneven(counts, balance=balance), 5.0, 4.0, 3.0, 2.0, 1.0, 0.0)
            assert found == (pytest.approx(1 / 6), pytest.approx(5 / 6))

    def test_leaves_out_classes_of_which_there_is_no_image(self):
        found = guessed(uneven([60, 20, 20, 0, 0, 0, 0], balance="loss"), 5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0)
        assert found == (pytest.approx(1 / 3), 1.0)

    def test_has_no_top5_of_five_classes(self):
        assert guessed(uneven([10] * 5), 1.0, 2.0, 3.0, 4.0, 5.0) == (0.2, None)

    def test_goes_by_the_first_of_equally_likely_classes(self):
        assert guessed(uneven([10] * 10), *[0.0] * 10) == (0.1, 0.5)
        assert guessed(uneven([10] * 10), *[0.0] * 9, 1.0) == (0.1, 0.5)

    def test_goes_over_several_batches_and_stops_where_it_is_told(self):
        assert guessed(uneven([300, 300]), 0.0, 1.0) == (0.5, None)
        assert guessed(uneven([300, 300]), 0.0, 1.0, most=400) == (0.25, None)


class TestBalance:
    """Two classes that look alike but for a hint; 15 times as many of one."""

    def data(self, balance):
        rng = np.random.default_rng(0)

        def split(counts):
            labels = rng.permutation(np.repeat([0, 1], counts))
            images = rng.integers(0, 120, (len(labels), 8, 8, 3))
            images[:, :, :, 0] += labels[:, None, None] * 12
            return Split(images.astype(np.uint8), labels.astype(np.int64))

        return replace(
            coloured(),
            classes=("many", "few"),
            train=split([300, 20]),
            validation=split([75, 75]),
            balance=balance,
        )

    @pytest.mark.parametrize("balance", ["sample", "loss"])
    def test_a_small_class_is_learnt_too_and_to_the_bit(self, balance):
        network, proxy = replace(TINY, classes=2), PROXY.model_copy(update={"epochs": 6})
        plain = train(network, self.data(None), proxy, 0)
        one, again = (train(network, self.data(balance), proxy, 0) for _ in range(2))
        assert outcome(one) == outcome(again) != outcome(plain)
        assert one.images == plain.images
        assert one.accuracy > plain.accuracy + 0.1


class TestDivergence:
    def test_is_the_trials_fault(self):
        proxy = PROXY.model_copy(update={"learning_rate": 1e30, "warmup": 0.0})
        with pytest.raises(TrialFailed, match=r"training loss became (nan|inf) at step \d+ of epoch 1"):
            train(TINY, coloured(), proxy, 0)

    def test_is_noticed_in_the_validation_too(self, monkeypatch):
        monkeypatch.setattr(training, "validate", lambda *_, **__: Validation(0.3, float("nan"), None))
        with pytest.raises(TrialFailed, match="validation loss is nan"):
            train(TINY, coloured(), PROXY, 0)


class TestTriangle:
    def test_rises_and_falls_to_zero(self):
        rates = [triangle(progress, 0.25) for progress in (0, 0.125, 0.25, 0.625, 1)]
        assert rates == [0, 0.5, 1, 0.5, 0]

    def test_needs_no_warmup(self):
        assert triangle(0, 0) == 1


_gather, _augment = fetching.gather, loop_streamed.augment
