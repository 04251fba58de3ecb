"""Accuracies of several networks on the synthetic images, and of one network at several resolutions.

    python experiments/benchmarks/training/shapes_difficulty.py --difficulty 0.5 --seeds 3

It prints accuracies in % on the validation split after a one-cycle training of `--epochs` over 10,000 images.
The images are suitable if the spread between networks is well above the spread between seeds. With the defaults it
takes 15 minutes on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

from search.data import Dataset, load, source_from
from search.data.augment import augment, gather, mirrored, normalise
from space import build, decode

NETWORKS = {
    "plain, 2 blocks": "r32_i8_s1/fused_d1_k3_s2_e1_w8/fused_d1_k3_s2_e1_w12/h32_c10",
    "mb, 3 blocks": "r32_i8_s1/mb_d1_k3_s2_e1_w8/mb_d1_k3_s2_e4_w12/mb_d1_k3_s2_e4_w24/h96_c10",
    "mb, 5 blocks": "r32_i8_s1/mb_d1_k3_s1_e1_w8/mb_d2_k3_s2_e4_w16/mb_d2_k3_s2_e4_w32/h192_c10",
    "mb 5x5, 8 blocks": "r32_i16_s1/mb_d1_k3_s1_e1_w16_se0.25/mb_d2_k5_s2_e4_w24_se0.25"
    "/mb_d3_k5_s2_e4_w40_se0.25/mb_d2_k3_s2_e4_w64_se0.25/h256_c10",
    "fused, 5 blocks": "r32_i8_s1/fused_d1_k3_s1_e1_w8/fused_d2_k3_s2_e4_w16/fused_d2_k3_s2_e4_w32/h192_c10",
    "fused then mb, 9 blocks": "r32_i16_s1/fused_d1_k3_s1_e1_w16/fused_d3_k3_s2_e4_w24/fused_d3_k3_s2_e4_w40"
    "/mb_d2_k3_s2_e4_w64_se0.25/h256_c10",
}
BATCH = 64


def accuracy(data: Dataset, architecture: str, epochs: int, seed: int) -> float:
    """Train by SGD with Nesterov momentum and a one-cycle schedule. Returns the validation accuracy, 0 to 1."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = build(decode(architecture)).to(memory_format=torch.channels_last)
    steps = epochs * (len(data.train) // BATCH)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _triangle(step / steps))
    for epoch in range(epochs):
        order = torch.randperm(len(data.train), generator=generator)
        for indices in order.split(BATCH)[: steps // epochs]:
            images, labels = gather(data.train, indices)
            inputs = augment(
                images, data.mean, data.std, generator, flip=mirrored(indices, epoch, seed), shift=2
            )
            optimizer.zero_grad()
            functional.cross_entropy(network(inputs), labels, label_smoothing=0.1).backward()
            optimizer.step()
            schedule.step()
    return _validated(network, data)


def _triangle(part: float) -> float:
    """Return the learning rate relative to its peak. part: the finished share of the training, 0 to 1."""
    return min(part / 0.2, (1 - part) / 0.8)


@torch.no_grad()
def _validated(network: nn.Module, data: Dataset) -> float:
    network.eval()
    right = 0
    for indices in torch.arange(len(data.validation)).split(256):
        images, labels = gather(data.validation, indices)
        right += int((network(normalise(images, data.mean, data.std)).argmax(1) == labels).sum())
    return right / len(data.validation)


def main() -> None:
    """Print one row per network, then one row per resolution."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--difficulty", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--resolutions", type=int, nargs="*", default=[16, 24, 32, 48])
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS))
    parser.add_argument(
        "--ladder", default="fused, 5 blocks", help="the network to train at every resolution"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = source_from({"source": "shapes", "difficulty": options.difficulty})
    rows = [(name, 32) for name in options.networks] + [
        (options.ladder, side) for side in options.resolutions
    ]
    for name, side in rows:
        data = load(source, side)
        began = time.process_time()
        accuracies = [
            100 * accuracy(data, NETWORKS[name], options.epochs, seed) for seed in range(options.seeds)
        ]
        seconds = (time.process_time() - began) / options.seeds
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        print(
            f"{name:26s} {side:3d} px  {statistics.mean(accuracies):5.1f} +- {spread:.1f}  {seconds:5.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
