"""The parts of the benchmark `experiments.benchmarks.engine.gpu` that call `search launch` and `search train`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[3]
SPACE = "effv2_32"
"""The space of the searches, and of the networks whose step times are measured."""
_GRACE = 8.0
"""The seconds between the Ctrl-C that a command gets and the time limit of its section."""


def search_photographs(setup: Any) -> dict[str, Any]:
    """Run the default search in `SPACE` on photographs, with 64 trials and finals.

    Returns figures as `searched` does. Without `setup.data`, 300 synthetic shapes replace the photographs. In a
    rehearsal, the search is tiny.
    """
    data = ["data=npz", f"data.path={setup.data}"] if setup.data else ["data=shapes", "data.images=300"]
    return searched(setup, "photographs", data)


def search_shapes(setup: Any) -> dict[str, Any]:
    """Run the default search in `SPACE` on synthetic shapes, with 24 trials and finals.

    Returns figures as `searched` does. In a rehearsal, the search is tiny.
    """
    return searched(setup, "shapes", ["data=shapes", *(["data.images=300"] if setup.tiny else [])], trials=24)


def searched(setup: Any, name: str, data: list[str], trials: int = 64) -> dict[str, Any]:
    """Launch a search in the folder `setup.out` and return its figures, even if time runs out before its end.

    data: the settings of the data, KEY=VALUE.
    """
    words = [f"trials={trials}", f"space={SPACE}"]
    if setup.tiny:
        words = [
            "trials=2",
            "space=tiny_space",
            "proxy=tiny",
            "proxy.images=64",
            "executor.workers=1",
            "step=measured",
        ]
    words += [f"proxy.device={setup.device if setup.device == 'cpu' else 'auto'}", f"run={name}", *data]
    figures = command(setup, "search", "launch", *words)
    setup.note(figures)
    return figures | outcome(setup.out / "runs" / name)


def outcome(path: Path) -> dict[str, Any]:
    """Return figures of the run at `path`, such as the states of its trials, their times and the best accuracy."""
    from search.runs.run import open_run

    run = open_run(path)
    complete = [trial for trial in run.trials if trial.result and trial.state == "complete"]
    results = [trial.result for trial in complete if trial.result]
    return {
        "states": Counter(trial.state for trial in run.trials),
        "reasons": Counter(trial.reason for trial in run.trials if trial.reason),
        "graphs": Counter(result.graph for result in results),
        "trial_seconds": median(result.seconds for result in results) if results else None,
        "images_per_second": median(result.images_per_second for result in results) if results else None,
        "best_accuracy": max((result.accuracy for result in results), default=None),
        "finals": sum(len(trial.final_trainings) for trial in run.trials),
        "result_seconds": sorted(round(result.seconds, 1) for result in results),
        "finished_after": sorted(
            round(trial.finished_at - run.trials[0].proposed_at, 1) for trial in complete if trial.finished_at
        ),
        "step": run.config.settings.step,
    }


def training(setup: Any) -> dict[str, Any]:
    """Train an answer of an earlier section with `search train`, without and with torch.compile.

    If there is none, EfficientNetV2-B0 is trained on shapes. A rehearsal trains only without torch.compile.
    """
    runs = [name for name in ("photographs", "shapes") if (setup.out / "runs" / name).is_dir()]
    network = runs[0] if runs else "v2-b0"
    words = ["recipe.epochs=2", f"recipe.device={setup.device if setup.device == 'cpu' else 'auto'}"]
    words += ["recipe.batch=16"] if setup.tiny else []
    words += [] if runs else ["data=shapes"]
    figures: dict[str, Any] = {"network": network}
    for kind in ("false",) if setup.tiny else ("false", "true"):
        figures_of_kind = command(
            setup, "search", "train", network, *words, f"recipe.compile={kind}", f"out=model-{kind}"
        )
        document = setup.out / f"model-{kind}" / "model.json"
        if document.exists():
            figures_of_kind["metrics"] = json.loads(document.read_text()).get("metrics")
        figures[f"compile_{kind}"] = figures_of_kind
        setup.note(figures)
    return figures


def command(setup: Any, *words: str) -> dict[str, Any]:
    """Run `python -m WORDS` in `setup.out`, and return its exit code, its seconds, and the last part of its output.

    The command gets Ctrl-C after `setup.seconds` less `_GRACE`, so that the first command of a section can stop
    cleanly. Its standard output is under "said". The lines of its standard error are under "noted", each with the
    second at which it came.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=setup.out,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    noted: list[str] = []

    def listen() -> None:
        for line in process.stderr or ():
            noted.append(f"{time.perf_counter() - begun:.1f} {line.rstrip()}")

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    alarm = threading.Timer(max(1.0, setup.seconds - _GRACE), process.send_signal, [signal.SIGINT])
    alarm.start()
    output = process.stdout.read() if process.stdout else ""
    process.wait()
    alarm.cancel()
    listener.join(timeout=2)
    return {
        "command": " ".join(words),
        "code": process.returncode,
        "seconds": time.perf_counter() - begun,
        "said": output[-2500:],
        "noted": "\n".join(noted)[-12_000:],
    }
