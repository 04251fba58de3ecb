"""The fit of a new classifier, a logistic regression, on the features of a network with fixed other layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from search.data.augment import normalise
from search.data.balance import class_weights
from search.data.dataset import Dataset
from search.data.fetching import fetcher
from space.network.network import Network

_BATCH = 256
"""The number of images in a batch of the forward pass."""
_DECAY = 1e-3
"""The weight decay: the loss contains half of it times the sum of the squared weights. Features are standardised
first; for a classifier without bias they are only scaled."""
_STEPS = 50
"""The largest number of steps of L-BFGS."""


def fit_classifier(network: Network, data: Dataset, device: torch.device, images: int | None) -> None:
    """Replace the classifier of `network`, in place, by a logistic regression on its features.

    images: the number of training images that are used, from the first on, without augmentation; None: all images.
    The optimum is unique, so the result depends neither on a seed nor on the former classifier. A classifier without
    bias gets no bias. The network is in evaluation mode afterwards.
    """
    classifier = network.get_submodule("head.classifier")
    assert isinstance(classifier, nn.Linear)
    biased = classifier.bias is not None
    count = min(images or len(data.train), len(data.train))
    features, labels = _features(network, data, device, count)
    mean = features.mean(0) if biased else torch.zeros_like(features[0])
    std = (features.std(0) if biased else features.square().mean(0).sqrt()).clamp_min(1e-6)
    balanced = class_weights(labels.cpu(), len(data.classes)).to(device) if data.balance == "loss" else None
    scaled = (features - mean) / std
    weight, bias = _regression(scaled, labels, len(data.classes), balanced, biased=biased)
    with torch.no_grad():
        classifier.weight.copy_(weight / std)
        if biased:
            classifier.bias.copy_(bias - (weight / std) @ mean)


@torch.no_grad()
def _features(network: Network, data: Dataset, device: torch.device, count: int) -> tuple[Tensor, Tensor]:
    """Return the classifier's inputs (count, width) for the first `count` training images, and labels (count,)."""
    network.eval()
    fetch = fetcher(data.train, count, device)
    rows: list[Tensor] = []
    labels: list[Tensor] = []
    classifier = network.get_submodule("head.classifier")
    hook = classifier.register_forward_pre_hook(lambda module, inputs: rows.append(inputs[0].mean((2, 3))))
    try:
        for indices in torch.arange(count).tensor_split(-(-count // _BATCH)):
            images, classes = fetch(indices)
            network(normalise(images, data.mean, data.std))
            labels.append(classes)
    finally:
        hook.remove()
    return torch.cat(rows), torch.cat(labels)


def _regression(
    features: Tensor, labels: Tensor, classes: int, class_weight: Tensor | None, *, biased: bool
) -> tuple[Tensor, Tensor]:
    """Return weights (classes, width) and biases (classes,) that minimise the regularised mean cross-entropy.

    biased: if False, the biases stay 0.
    """
    weight = torch.zeros(classes, features.shape[1], device=features.device, requires_grad=True)
    bias = torch.zeros(classes, device=features.device, requires_grad=biased)
    optimizer = torch.optim.LBFGS(
        [weight, bias] if biased else [weight], max_iter=_STEPS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        each = functional.cross_entropy(features @ weight.T + bias, labels, reduction="none")
        mean = each.mean() if class_weight is None else (each * class_weight[labels]).mean()
        value = mean + _DECAY / 2 * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weight.detach(), bias.detach()
