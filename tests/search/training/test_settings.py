"""The settings of a training: values that would be ignored are refused."""

import pytest

from search.data import load
from search.training.settings import task_of
from space import UserError

NETWORK = "r16_i8_s2/mb_d1_k3_s2_e1_w8/h8_c2"


def test_synthetic_images_are_taken_only_if_they_are_asked_for():
    assert task_of(NETWORK, {"data": "shapes", "data.images": 100})[0].source.images == 100
    for settings in ({}, {"data.images": 100}, {"data.seed": 1}):
        with pytest.raises(UserError, match="which images"):
            task_of(NETWORK, settings)


def test_a_switch_is_true_or_false():
    assert task_of(NETWORK, {"data": "shapes", "tensorboard": True})[0].tensorboard is True
    assert task_of(NETWORK, {"data": "shapes"})[0].tensorboard is False
    for value in ("yes", 1, None):
        with pytest.raises(UserError, match=f"tensorboard={value}.*true or false"):
            task_of(NETWORK, {"data": "shapes", "tensorboard": value})


@pytest.mark.parametrize("key", ["seed", "threads"])
def test_a_whole_number_is_written_with_decimal_digits(key):
    assert getattr(task_of(NETWORK, {"data": "shapes", key: "3"})[0], key) == 3
    for value in ("\u00b2", "3.5", "-1"):
        with pytest.raises(UserError, match=f"^{key}={value}: it must be a whole number"):
            task_of(NETWORK, {"data": "shapes", key: value})


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_has_the_channels_that_the_data_are_given(channels):
    task, _ = task_of(NETWORK, {"data": "shapes", "data.images": 100, "data.channels": channels})
    assert task.architecture.channels == load(task.source, 8).channels == channels
