"""The start of a full training refuses what none of its steps could compute."""

from dataclasses import replace

import pytest

from search.training.distributed import Processes
from search.training.state import start_or_resume
from space import UserError


@pytest.mark.parametrize(
    ("batch", "images", "message"),
    [
        (15, 200, r"^recipe\.batch=15: 8 processes need batches of 16 images or more"),
        (32, 20, r"^there are 10 training images: 8 processes need batches of 16 images or more"),
    ],
)
def test_each_process_needs_two_images_of_a_batch(task, tmp_path, batch, images, message):
    own = task(batch=batch)
    few = own.source.model_copy(update={"images": images, "validation": 0.5})
    with pytest.raises(UserError, match=message):
        start_or_resume(replace(own, source=few), tmp_path, Processes(0, 8))
