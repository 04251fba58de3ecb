"""Sections of `experiments.benchmarks.engine.gpu` about single trainings: speed and repeatability."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from experiments.benchmarks.engine.gpu_inputs import network_of, noise, proxy_of


def steps(setup: Any) -> dict[str, Any]:
    """Measure the images per second of `loop_rate` and `bare_rate`, both in eager mode and as a CUDA graph."""
    rows: list[dict[str, Any]] = []
    for batch in (8, 16) if setup.tiny else (64, 256, 512):
        for graph in ("auto", "never"):
            rows.append(loop_rate(setup, batch, graph) | {"bare": bare_rate(setup, batch, graph == "auto")})
            rows[-1]["of_bare"] = rows[-1]["images_per_second"] / rows[-1]["bare"]
            setup.note({"rows": rows})
    return {"rows": rows}


def loop_rate(setup: Any, batch: int, graph: str) -> dict[str, Any]:
    """Return the images per second of the proxy's `train` after its first epoch, as a row of figures.

    The row also has the seconds of the first epoch, and the seconds from the last epoch to the end.
    """
    from search.proxy.training import train

    count = 3 if setup.tiny else 60
    proxy = proxy_of(
        setup.tiny, batch=batch, epochs=5, graph=graph, device=setup.device, images=count * batch
    )
    moments = [time.perf_counter()]
    result = train(
        network_of(proxy),
        noise(count * batch, proxy.resolution or 8),
        proxy,
        0,
        on_epoch=lambda epoch, loss: moments.append(time.perf_counter()),
    )
    own = median(after - before for before, after in itertools.pairwise(moments[1:]))
    return {
        "batch": batch,
        "graph": result.graph,
        "step_ms": 1e3 * own / count,
        "images_per_second": count * batch / own,
        "first_epoch_s": moments[1] - moments[0],
        "after_last_epoch_s": time.perf_counter() - moments[-1],
    }


def bare_rate(setup: Any, batch: int, graph: bool) -> float:
    """Return the images per second of plain torch: forward, cross-entropy, backward and AdamW on one batch.

    graph: True to launch the steps as a CUDA graph; it has no effect on a CPU.
    """
    import torch
    from torch.nn import functional

    from search.proxy.device import choose_device, precision_on
    from space.network.network import build

    proxy = proxy_of(setup.tiny, batch=batch)
    device, network = choose_device(setup.device), network_of(proxy)
    built = build(network).to(device).to(memory_format=torch.channels_last).train()
    dtype, cuda = precision_on(device, "auto"), device.type == "cuda"
    optimizer = torch.optim.AdamW(built.parameters(), 1e-3, fused=True, capturable=cuda)
    images = torch.randn(batch, 3, network.resolution, network.resolution, device=device)
    images, labels = (
        images.to(memory_format=torch.channels_last),
        torch.zeros(batch, dtype=torch.long, device=device),
    )

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            logits = built(images)
        functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    run = captured(step) if cuda and graph else step
    return batch / seconds_each(run, device, 2 if setup.tiny else 100)


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """Return a function that launches `step` as a CUDA graph, which is captured after four eager steps."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(4):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def seconds_each(run: Callable[[], None], device: Any, times: int) -> float:
    """Return the wall-clock seconds of one call of `run`: the median of three means over `times` calls."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        run()
    taken = []
    for _ in range(3):
        wait()
        begun = time.perf_counter()
        for _ in range(times):
            run()
        wait()
        taken.append((time.perf_counter() - begun) / times)
    return median(taken)


def repeats(setup: Any) -> dict[str, Any]:
    """Measure the repeatability of a training: one seed twice, with and without a graph, and in other precisions.

    Two more seeds show how much accuracies differ from seed to seed.
    """
    from search.data import load, source_from
    from search.proxy.training import train

    source = {"source": "npz", "path": str(setup.data)} if setup.data else {"source": "shapes"}
    source |= {"images": 300} if setup.tiny and not setup.data else {}
    base = proxy_of(setup.tiny, device=setup.device, **({"images": 64, "epochs": 1} if setup.tiny else {}))
    data = load(source_from(source), base.resolution or 8)
    kinds = [("graph", {}, 0), ("graph", {}, 0), ("graph", {}, 1), ("graph", {}, 2)]
    kinds += [("eager", {"graph": "never"}, 0), ("eager", {"graph": "never"}, 0)]
    kinds += [
        ("float32", {"precision": "float32"}, 0),
        ("no TF32", {"precision": "float32", "tf32": False}, 0),
    ]
    rows = []
    for name, change, seed in kinds:
        proxy = base.model_copy(update=change)
        result = train(network_of(proxy, len(data.classes)), data, proxy, seed)
        rows.append(
            {
                "kind": name,
                "seed": seed,
                "accuracy": result.accuracy,
                "loss": result.loss,
                "last": result.curve[-1],
                "seconds": result.seconds,
                "images_per_second": result.images_per_second,
                "graph": result.graph,
            }
        )
        setup.note({"rows": rows})
    return {"rows": rows}
