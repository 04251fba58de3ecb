"""Programs of torch.export compute what the network computes."""

import io
import warnings

import torch
from helpers.models import model

from search.models.forms import parity as agreement
from search.models.forms.exported_program import program
from space import decode
from space.weights import rebuild

SMALL = decode("r18_i8_x1/fused_d2_k3_s2_e2_w8/mb_d2_k5_s2_e3_w16_se0.25_relu6/h24_c3")


def test_computes_what_torch_computes_for_any_batch_and_weights():
    made = model(SMALL, padding="same", norm_eps=0.01)
    before = torch.random.get_rng_state()
    content = program("small", made)
    assert torch.equal(torch.random.get_rng_state(), before)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.export.load(io.BytesIO(content)).module()
    network = rebuild(made.weights).eval()
    with torch.no_grad():
        for batch in (1, 5):
            images = torch.randn(batch, 1, 18, 18)
            assert agreement.difference(loaded(images), network(images)) <= agreement.TOLERANCE
