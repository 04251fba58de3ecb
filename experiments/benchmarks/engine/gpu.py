"""A benchmark on a GPU: training speed, sharing of the GPU, predicted and measured step times, and searches.

    python -m experiments.benchmarks.engine.gpu --minutes 5 --data photographs.npz --out results/
    python -m experiments.benchmarks.engine.gpu --device cpu --tiny --out rehearsal     # without a GPU

Each section runs in a process of its own. If a section fails or takes too long, the reason is recorded, and the next
section begins. `gpu.json` and `gpu.md` in --out are written again after every section, so nothing is lost when time
runs out. The network of the speed sections is EfficientNetV2-B0 as the default proxy trains it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from experiments.benchmarks.engine import gpu_searches, gpu_sharing, gpu_speed, gpu_times

ROOT = Path(__file__).parents[3]
Figures = dict[str, Any]


def _unnoted(figures: Figures) -> None:
    """Ignore the figures; the default of `Setup.note`."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings of a section.

    tiny: True for a rehearsal. data: the path of a .npz file with photographs; None: synthetic shapes instead. out:
    the folder for the files of the section. seconds: the time after which the section is stopped. note: the function
    that receives the figures so far, in case the section is stopped.
    """

    device: str
    tiny: bool
    data: Path | None
    out: Path
    seconds: float = 600.0
    note: Callable[[Figures], None] = _unnoted


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the benchmark.

    run: the function that returns the figures. seconds: the time limit, which is tenfold in a rehearsal. Outside
    rehearsals, the section is skipped if less than half of `seconds` is left for the whole benchmark.
    """

    run: Callable[[Any], Figures]
    seconds: float


def environment(setup: Setup) -> Figures:
    """Return the machine, the GPU that the driver reports, and the versions of packages."""
    names = ("torch", "torchvision", "triton", "numpy", "optuna", "pydantic", "nvidia-cudnn-cu13", "timm")
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {name: _version(name) for name in names},
        "missing": [name for name in ("ray", "pyarrow", "matplotlib", "pandas") if not _version(name)],
        "mps": shutil.which("nvidia-cuda-mps-control"),
        "card": _said(
            "nvidia-smi",
            "--query-gpu=name,driver_version,memory.total,clocks.sm,clocks.max.sm,compute_mode,power.limit",
            "--format=csv",
        ),
    }


def tests(setup: Setup) -> Figures:
    """Run the tests in `tests/gpu`. Returns their exit code, their seconds, and the last 12,000 characters of output.

    After every line of output, `setup.note` receives the output so far.
    """
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-m",
        "gpu",
        "tests/gpu",
    ]
    begun, lines = time.perf_counter(), []
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout or ():
        lines.append(f"{time.perf_counter() - begun:.1f} {line.rstrip()}")
        setup.note({"output": "\n".join(lines)[-12_000:]})
    code = process.wait()
    return {"code": code, "seconds": time.perf_counter() - begun, "output": "\n".join(lines)[-12_000:]}


SECTIONS: Mapping[str, Section] = {
    "environment": Section(environment, 20),
    "search_photographs": Section(gpu_searches.search_photographs, 150),
    "tests": Section(tests, 34),
    "times": Section(gpu_times.times, 40),
    "search_shapes": Section(gpu_searches.search_shapes, 80),
    "training": Section(gpu_searches.training, 60),
    "steps": Section(gpu_speed.steps, 90),
    "sharing": Section(gpu_sharing.sharing, 70),
    "sharing_mps": Section(gpu_sharing.sharing_with_mps, 70),
    "repeats": Section(gpu_speed.repeats, 60),
}
"""The sections, the most valuable ones first, since time can run out."""


def main() -> None:
    """Run the sections that the command line names, and write their figures to --out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a rehearsal: tiny networks, few steps")
    parser.add_argument("--minutes", type=float, default=4.0, help="time limit of all sections together")
    parser.add_argument("--data", type=Path, help="photographs, .npz")
    parser.add_argument("--out", type=Path, default=Path("gpu"))
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = options.data.absolute() if options.data else None
    end = time.monotonic() + 60 * options.minutes
    found: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        setup = Setup(options.device, options.tiny, data, Path(folder))
        for name in options.sections:
            begun = time.monotonic()
            found[name] = _guarded(SECTIONS[name], setup, end - begun)
            found[name]["took"] = round(time.monotonic() - begun, 1)
            print(f"{name}: {found[name]['took']} s {found[name].get('failed', '')}", flush=True)
            (options.out / "gpu.json").write_text(json.dumps(found, indent=1, default=str) + "\n")
            (options.out / "gpu.md").write_text(table(found))
    print(table(found), flush=True)


def _guarded(section: Section, setup: Setup, left: float) -> Figures:
    """Return the figures of a section; if it fails, the figures so far and the reason as "failed".

    left: the seconds until the end of the benchmark.
    """
    limit = min(section.seconds * (10 if setup.tiny else 1), left)
    if limit < section.seconds / 2 and not setup.tiny:
        return {"failed": f"not begun: {left:.0f} s left"}
    context = get_context("forkserver")
    # torch is imported once, and no section inherits another's CUDA context.
    context.set_forkserver_preload(["search.proxy.training", "search.proxy.measure"])
    figures = context.Queue()
    process = context.Process(target=_section, args=(section.run, replace(setup, seconds=limit), figures))
    process.start()
    end, latest = time.monotonic() + limit, {}
    while True:
        try:
            kind, content = figures.get(timeout=0.2)
        except queue.Empty:
            if time.monotonic() < end and process.is_alive():
                continue
            died = "" if process.is_alive() else f"ended with code {process.exitcode}"
            _end(process)
            return {**latest, "failed": died or f"stopped after {limit:.0f} s"}
        if kind == "note":
            latest = content
            continue
        process.join(timeout=5)
        _end(process)
        return {**latest, **content}


def _end(process: Any) -> None:
    """Kill the process of a section and all processes that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _section(run: Callable[[Setup], Figures], setup: Setup, figures: Any) -> None:
    os.setsid()

    def note(part: Figures) -> None:
        figures.put(("note", json.loads(json.dumps(part, default=str))))

    try:
        figures.put(("end", run(replace(setup, note=note))))
    except BaseException:
        figures.put(("end", {"failed": traceback.format_exc()[-4000:]}))


def table(found: Figures) -> str:
    """Return the figures as Markdown, section by section."""
    lines = ["# GPU benchmark", ""]
    for name, section in found.items():
        lines += [f"## {name}", ""]
        for key, value in section.items():
            if isinstance(value, str) and "\n" in value.strip():
                lines += [f"{key}:", "```", value.strip(), "```"]
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                lines += ["", *_rows(value), ""]
            else:
                lines.append(f"- {key}: {value}")
        lines.append("")
    return "\n".join(lines) + "\n"


def _rows(rows: list[Figures]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name, "")) for name in names] for row in rows]
    return [" | ".join(line) for line in (names, ["---"] * len(names), *cells)]


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _said(*words: str) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=15).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
