"""What computes something else than the network is not written."""

import pytest
import torch
from helpers.models import model

from search.models.forms.parity import TOLERANCE, difference, ready, require_equal
from space import UserError, decode

SMALL = decode("r18_i8_x1/mb_d1_k5_s2_e3_w16_se0.25_relu6/h24_c3")


def test_equal_logits_pass_and_others_are_refused():
    with ready(model(SMALL)) as (network, images):
        require_equal("file", network, network, images)
        with pytest.raises(
            UserError,
            match=r"The logits of the file of r18_i8_x1/.* differ by 0\.\d+ from the network's\. The",
        ):
            require_equal("file", lambda batch: network(batch) + 0.5, network, images)
        with pytest.raises(UserError, match="differ by nan"):
            require_equal("file", lambda batch: network(batch) * torch.nan, network, images)
        # A form in which the batch is not free, or in which images see one another.
        with pytest.raises(UserError, match="differ by"):
            require_equal("file", lambda batch: network(batch) + (len(batch) == 1), network, images)


def test_differences_are_relative_to_the_largest_logit_of_an_image():
    expected = torch.tensor([[100.0, 1.0], [0.1, 0.2]])
    assert difference(expected + 1e-4, expected) == pytest.approx(1e-4, rel=0.1)
    assert difference(expected + torch.tensor([[5e-4], [0.0]]), expected) < TOLERANCE
