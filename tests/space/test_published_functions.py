"""Published networks are the same functions as torchvision's and timm's, not only of the same costs.

Their tensors are matched by order here, which is that of our layers too, so that no name map is needed.
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from space import build, published

TORCHVISION = {
    "mobilenet-v2-1.0": ("mobilenet_v2", {}, 1e-5),
    "mobilenet-v3-large": ("mobilenet_v3_large", {}, 1e-3),
    "mobilenet-v3-small": ("mobilenet_v3_small", {}, 1e-3),
    "mnasnet-b1-1.3": ("mnasnet1_3", {}, 1e-5),
    "shufflenet-v2-0.5": ("shufflenet_v2_x0_5", {}, 1e-5),
    "googlenet": ("googlenet", {"aux_logits": False, "init_weights": False}, 1e-3),
}
TIMM = {
    "mobilenet-v1": ("mobilenetv1_100", 1e-5),
    "mobilenet-v2-0.35": ("mobilenetv2_035", 1e-5),
    "mobilenet-v3-small-0.75": ("mobilenetv3_small_075", 1e-5),
    "mnasnet-a1": ("semnasnet_100", 1e-5),
    "mnasnet-small": ("mnasnet_small", 1e-5),
    "lite0": ("efficientnet_lite0", 1e-5),
    "edgetpu-m": ("efficientnet_em", 1e-5),
    "tinynet-e": ("tinynet_e", 1e-5),
    "inception-v3": ("inception_v3", 1e-3),
    "inception-v4": ("inception_v4", 1e-3),
    "inception-resnet-v2": ("inception_resnet_v2", 1e-3),
    "xception": ("legacy_xception", 1e-5),
}


def same_function(name: str, make: Callable[[], nn.Module], eps: float) -> None:
    torch.manual_seed(0)
    theirs = make().eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Not 0 and 1, with which several mistakes would not show; not far from it, or nothing is left at the end.
            module.running_mean.normal_(0, 0.05)
            module.running_var.uniform_(0.8, 1.2)
            nn.init.uniform_(module.weight, 0.9, 1.1)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    architecture = published(name).architecture
    ours = build(architecture, norm_eps=eps).eval()
    state = ours.state_dict()
    tensors = list(theirs.state_dict().values())
    assert len(tensors) == len(state)
    for (key, mine), tensor in zip(state.items(), tensors, strict=True):
        assert mine.numel() == tensor.numel(), key
        state[key] = tensor.reshape(mine.shape)
    ours.load_state_dict(state)
    side = min(architecture.resolution, 160) if architecture.resolution < 299 else 139
    x = torch.randn(1, 3, side, side)
    with torch.no_grad():
        expected = theirs(x)
        assert (ours(x) - expected).abs().max() <= 1e-4 * expected.abs().max()
        assert expected.std() > 0


@pytest.mark.parametrize("name", TORCHVISION)
def test_logits_are_torchvisions(name):
    import torchvision

    called, options, eps = TORCHVISION[name]
    same_function(name, lambda: getattr(torchvision.models, called)(weights=None, **options), eps)


SLOW = ("inception-v4", "inception-resnet-v2", "xception")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in TIMM]
)
def test_logits_are_timms(name):
    timm = pytest.importorskip("timm")
    called, eps = TIMM[name]
    same_function(name, lambda: timm.create_model(called), eps)
