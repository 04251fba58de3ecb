"""What only a GPU can show of the proxy training."""

import pytest
import torch
from helpers.coloured import PROXY, TINY, coloured

from search.proxy.failure import TrialFailed
from search.proxy.measure import measure
from search.proxy.training import train

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
LONGER = PROXY.model_copy(update={"device": "cuda", "epochs": 8})


def trained(seed=0, data=None, **changes):
    return train(TINY, data or coloured(), LONGER.model_copy(update=changes), seed)


def test_learns_as_a_graph():
    result = trained()
    assert result.graph == "captured"
    assert result.accuracy > 0.95


def test_learns_without_a_graph():
    result = trained(graph="never")
    assert result.graph == "eager: proxy.graph=never"
    assert result.accuracy > 0.95


@pytest.mark.parametrize(
    "changes", [{"ema": 0.9}, {"dropout": 0.2, "drop_path": 0.2}, {"precision": "float32"}]
)
def test_every_kind_of_step_can_be_captured(changes):
    result = trained(**changes)
    assert result.graph == "captured"
    assert result.accuracy > 0.8


def test_weighted_losses_can_be_captured():
    from dataclasses import replace

    assert trained(data=replace(coloured(), balance="loss")).graph == "captured"


def test_a_graph_takes_the_steps_of_the_eager_loop():
    graphed, eager = (trained(precision="float32", tf32=False, graph=graph) for graph in ("auto", "never"))
    assert graphed.curve == pytest.approx(eager.curve, rel=0.05)


def test_half_precision_with_a_loss_scale_is_trained_eagerly():
    assert trained(precision="float16").graph is None


def test_too_little_memory_is_the_trials_failure_and_leaves_the_device_usable():
    from dataclasses import replace

    data = coloured(train=20_000)
    wide = replace(TINY, stages=tuple(replace(stage, width=16_384) for stage in TINY.stages))
    with pytest.raises(TrialFailed, match="memory of cuda is too small"):
        train(wide, data, LONGER.model_copy(update={"batch": 20_000}), 0)
    assert trained().accuracy > 0.95


def test_diverging_is_the_trials_failure_in_a_graph_too():
    with pytest.raises(TrialFailed, match="training loss became"):
        trained(learning_rate=1e30, warmup=0.0)


def test_tf32_is_put_back():
    before = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision
    trained(tf32=True)
    trained(tf32=False)
    assert (torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision) == before


def test_step_times_are_measured():
    step = measure(TINY, TINY, LONGER)
    assert step.ratio == pytest.approx(1, rel=0.3)
