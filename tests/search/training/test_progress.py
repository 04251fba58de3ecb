"""Reports of the progress of a full training."""

import pytest

from search.training.checkpoint import EpochResult, Progress
from search.training.progress import TensorBoard


@pytest.fixture
def scalars(tmp_path):
    """Return the function that reads the (step, value) pairs of a curve, as TensorBoard shows them."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def read(name):
        events = accumulator.EventAccumulator(str(tmp_path)).Reload().Scalars(name)
        return [(event.step, round(event.value, 3)) for event in events]

    return read


def trained(folder, first, last, rate, ends=()):
    """Report the steps after `first` up to `last`, and an epoch with accuracy 0.5 after each step in `ends`."""
    callback = TensorBoard()
    callback.on_train_begin(None, Progress(data="", threads=1, step=first), 9, folder)
    for step in range(first + 1, last + 1):
        callback.on_step_end(Progress(data="", threads=1, step=step), rate)
        if step in ends:
            callback.on_epoch_end(EpochResult(epoch=0, resolution=8, loss=1.0, seconds=1.0, accuracy=0.5))
    callback.on_train_end()


def test_a_resumed_training_replaces_only_the_events_after_its_checkpoint(tmp_path, scalars):
    trained(tmp_path, 0, 4, 0.1, ends=(2,))
    trained(tmp_path, 2, 4, 0.2)
    assert scalars("learning rate") == [(1, 0.1), (2, 0.1), (3, 0.2), (4, 0.2)]
    assert scalars("accuracy/validation") == [(2, 0.5)]
